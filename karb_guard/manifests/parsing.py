"""One file's bytes -> its documents, its problems, and what in it is no Kubernetes object."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from karb_guard.manifests.decoding import Decoded, decode
from karb_guard.manifests.document import Document
from karb_guard.manifests.limits import DEFAULT_LIMITS, Limits
from karb_guard.manifests.objects import Item, NotAnObject, objects_of
from karb_guard.manifests.problem import ParseProblem, too_big
from karb_guard.manifests.reading import Source
from karb_guard.manifests.streams import documents_of

__all__ = ["NotAnObject", "ParsedFile", "parse", "parse_source"]


@dataclass(slots=True)
class ParsedFile:
    """Everything one file holds."""

    name: str
    documents: list[Document] = field(default_factory=list)
    """The Kubernetes objects, those of lists one by one, in the file's order."""
    problems: list[ParseProblem] = field(default_factory=list)
    """What could not be read. Not empty: the file was not fully checked."""
    skipped: list[NotAnObject] = field(default_factory=list)
    """What is well-formed and no Kubernetes object, and why."""
    empty: int = 0
    """Documents without content; 1 for an empty file."""
    notes: tuple[str, ...] = ()
    """What the command that rendered it said beside its answer."""


def parse(data: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> ParsedFile:
    """Read YAML or JSON as kubectl does. Never raises for bad input: see ``problems``."""
    result = ParsedFile(name)
    if len(data) > limits.file_bytes:
        result.problems.append(too_big(name, limits.file_bytes))
        return result
    decoded = decode(data, name)
    if isinstance(decoded, ParseProblem):
        result.problems.append(decoded)
        return result
    _collect(result, decoded, limits)
    return result


def parse_source(source: Source, limits: Limits = DEFAULT_LIMITS) -> ParsedFile:
    """`parse` for what `read_paths` yields: unreadable and skipped files become entries too."""
    if source.problem is not None:
        return ParsedFile(source.name, problems=[source.problem])
    if source.skipped is not None:
        entry = NotAnObject(source.name, None, source.skipped)
        return ParsedFile(source.name, skipped=[entry], notes=source.notes)
    parsed = parse(source.data, source.name, limits)
    parsed.notes = source.notes
    if source.amend is not None:
        for document in parsed.documents:
            source.amend(document)
    return parsed


def _collect(result: ParsedFile, decoded: Decoded, limits: Limits) -> None:
    for item in _items(decoded, result, limits):
        full = _full(result, limits)
        if full:
            message = f"more than {full} in one file: the rest was not read"
            line, column = _where(item)
            remedy = "split it into several files"
            result.problems.append(ParseProblem(result.name, line, column, message, remedy))
            return
        _sort_in(result, item)
    if not (result.documents or result.problems or result.skipped or result.empty):
        result.empty = 1


def _items(decoded: Decoded, result: ParsedFile, limits: Limits) -> Iterator[Item]:
    for found in documents_of(decoded, limits):
        if isinstance(found, ParseProblem):
            yield found
        elif found.value is None:
            result.empty += 1
        else:
            yield from objects_of(found)


def _full(result: ParsedFile, limits: Limits) -> str | None:
    """The limit that is reached, in words."""
    if len(result.documents) + len(result.skipped) >= limits.documents:
        return f"{limits.documents} documents"
    if len(result.problems) >= limits.problems:
        return f"{limits.problems} problems"
    return None


def _sort_in(result: ParsedFile, item: Item) -> None:
    if isinstance(item, Document):
        result.documents.append(item)
    elif isinstance(item, ParseProblem):
        result.problems.append(item)
    else:
        result.skipped.append(item)


def _where(item: Item) -> tuple[int | None, int | None]:
    if isinstance(item, Document):
        position = item.position(())
        return position.line, position.column
    return item.line, None if isinstance(item, NotAnObject) else item.column
