"""``--baseline`` and ``--write-baseline``: a report, and what an old repository began with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from karb_guard.decisions.baseline import Entries, Scope, compare, entries_of, kept, result
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.lint import baseline_file
from karb_guard.model.report import BaselineResult, BaselineState, Report


@dataclass(frozen=True, slots=True)
class BaselineFiles:
    """Where a baseline is read from and written to; either, both or none."""

    read: str | None = None
    write: str | None = None


def with_baseline(report: Report, catalogue: Catalogue, files: BaselineFiles) -> Report:
    """The report with what the baseline knows, after writing a new one where that is asked for.

    ``write`` alone takes every finding; with ``read`` it takes what is known and still there, so
    that the file can only shrink. A report without a verdict writes nothing, since what could not
    be read has findings, too. Raises ``UsageError``.
    """
    if files.read is not None:
        entries = baseline_file.read(files.read)
        report, outcome = _against(report, catalogue, files.read, entries)
        entries = kept(entries, outcome)
    elif files.write is not None and not report.problems:
        entries = entries_of(report.findings)
        report, _ = _against(report, catalogue, files.write, entries)
    else:
        return report
    if files.write is not None and not report.problems:
        baseline_file.write(files.write, entries)
    return report


def _against(
    report: Report, catalogue: Catalogue, file: str, entries: Entries
) -> tuple[Report, BaselineResult]:
    findings, left = compare(report.findings, entries)
    known = sum(found.baseline is BaselineState.UNCHANGED for found in findings)
    if report.problems:
        # What could not be read may hold the findings that seem to be gone.
        outcome = BaselineResult(file, known)
    else:
        outcome = result(file, known, left, _scope(report, catalogue))
    return replace(report, findings=findings, baseline=outcome), outcome


def _scope(report: Report, catalogue: Catalogue) -> Scope:
    ids = {invariant.name: invariant.id for invariant in catalogue}
    return Scope(
        invariants=frozenset(invariant.id for invariant in report.invariants),
        known=frozenset(ids.values()),
        owners=report.judged,
        undecided=frozenset(
            (ids[unknown.name], unknown.object)
            for unknown in report.unknowns
            if unknown.name in ids
        ),
    )
