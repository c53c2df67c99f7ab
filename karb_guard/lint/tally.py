"""How much of the input was understood, what was left out, and whether there was any at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from karb_guard.manifests import ParsedFile
from karb_guard.manifests.reading import EXCLUDED
from karb_guard.model.finding import Coverage, Evaluation, ObjectRef
from karb_guard.model.report import CoverageCount, LeftOut, Problem

EMPTY = "empty"
NOTHING = "nothing-checked"
"""The kind of the problem that a whole input without any manifest is."""


def coverage(files: Sequence[ParsedFile], evaluations: Sequence[Evaluation]) -> CoverageCount:
    """The numbers of the coverage line."""
    judged = [evaluation for evaluation in evaluations if evaluation.not_evaluated is None]
    unknown = Counter(
        f"{evaluation.object.api_version}/{evaluation.object.kind}"
        for evaluation in judged
        if evaluation.coverage is Coverage.UNKNOWN
    )
    not_read = sum(_left_out_whole(file) for file in files)
    return CoverageCount(
        files=len(files) - not_read,
        checked=len(judged) - unknown.total(),
        discovered=sum(evaluation.coverage is Coverage.DISCOVERED for evaluation in judged),
        unknown_kinds=unknown,
        unparsed=sum(len(file.problems) for file in files),
        not_kubernetes=sum(entry.line is not None for file in files for entry in file.skipped),
        not_evaluated=len(evaluations) - len(judged),
        left_out=not_read + sum(_is_empty(file) for file in files),
    )


def judged(evaluations: Sequence[Evaluation]) -> Iterator[ObjectRef]:
    """The objects that got a verdict, and the topmost owners of their templates."""
    for evaluation in evaluations:
        if evaluation.not_evaluated is None:
            yield evaluation.object
            if evaluation.owner is not None:
                yield evaluation.owner


def left_out(files: Sequence[ParsedFile]) -> Iterator[LeftOut]:
    """Everything that was not checked on purpose, in the order of the input."""
    for file in files:
        if _is_empty(file):
            yield LeftOut(file.name, None, EMPTY)
        for entry in file.skipped:
            yield LeftOut(entry.file, entry.line, entry.reason)


def nothing_checked(files: Sequence[ParsedFile]) -> Problem | None:
    """The problem of an input without a single object, unless the user meant it so.

    ``helm template`` that failed and a directory of unrendered templates must not pass as clean.
    What an ``exclude`` pattern leaves out is the user's wish, and a file of another kind (a
    chart's values, a workflow) was read and is no manifest: hooks name those all the time.
    """
    if any(file.documents or file.problems for file in files):
        return None
    skipped = [file for file in files if _left_out_whole(file) and not _excluded(file)]
    if skipped:
        entry = skipped[0].skipped[0]
        more = f" (and {len(skipped) - 1} more)" if len(skipped) > 1 else ""
        message = f"{entry.reason}{more}, and nothing else"
        return Problem(entry.file, None, None, message, kind=NOTHING)
    if not any(file.skipped for file in files) and files:
        message = "the input is empty"
        remedy = "see whether the command that should have written it failed"
        return Problem(files[0].name, None, None, message, kind=NOTHING, remedy=remedy)
    return None


def _left_out_whole(file: ParsedFile) -> bool:
    return any(entry.line is None for entry in file.skipped)


def _excluded(file: ParsedFile) -> bool:
    return all(entry.reason.startswith(EXCLUDED) for entry in file.skipped)


def _is_empty(file: ParsedFile) -> bool:
    return bool(file.empty) and not (file.documents or file.problems or file.skipped)
