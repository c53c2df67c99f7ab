"""What takes no points: what could not be read or decided, and what is waived."""

from __future__ import annotations

from collections.abc import Sequence

from karb_guard.model.audit import Missing
from karb_guard.model.report import Problem
from karb_guard.reports.figures import Digest, Undecided
from karb_guard.reports.html.markup import Markup, short, tag
from karb_guard.reports.html.words import NAME, TEXT, card, left_out, number, object_name, table

MAX_NAMES = 20
"""Of one cell that lists names."""
MAX_ROWS = 100
"""Of what could not be read, undecided and waived, each."""


def missing(digest: Digest) -> Markup | None:
    """What could not be read, and what has no verdict: said, never skipped."""
    refused = () if digest.audit is None else digest.audit.missing
    # One reason, such as a role without a right, may be that of many kinds.
    reasons: dict[str, list[Missing]] = {}
    for entry in refused:
        reasons.setdefault(entry.reason, []).append(entry)
    rows = [_refused(reason, entries) for reason, entries in reasons.items()]
    rows += [_problem(problem) for problem in digest.report.problems]
    if not rows:
        return None
    heads = [("What", False), ("Why", False), ("So that", False)]
    shown = rows[:MAX_ROWS]
    return card(
        "missing",
        "What could not be read",
        table("Nothing is known about these: no pass, no finding", heads, shown, "Not read"),
        left_out(len(rows), len(shown), "entry", "entries"),
    )


def _refused(reason: str, entries: Sequence[Missing]) -> Markup:
    what = [short(entry.what, NAME) for entry in entries[:MAX_NAMES]]
    more = f" and {len(entries) - len(what)} more" if len(entries) > len(what) else ""
    undecided = sorted({name for entry in entries for name in entry.undecided})
    return _row(f"{', '.join(what)}{more}", short(reason, TEXT), _undecides(undecided))


def _undecides(names: Sequence[str]) -> str:
    if not names:
        return "its objects are not in this report"
    shown = ", ".join(short(name, NAME) for name in names[:MAX_NAMES])
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"undecided: {shown}{more}"


def _problem(problem: Problem) -> Markup:
    why = short(problem.message, TEXT)
    return _row(short(problem.location, 2 * NAME), why, short(problem.remedy, TEXT) or "no verdict")


def undecided(digest: Digest) -> Markup | None:
    """What invariants could not decide, by reason."""
    if not digest.undecided:
        return None
    shown = digest.undecided[:MAX_ROWS]
    rows = [_undecided(row) for row in shown]
    heads = [("Invariant", False), ("Objects", True), ("Why", False)]
    return card(
        "undecided",
        "Undecided",
        table("No pass and no finding: an input was missing", heads, rows, "Undecided"),
        left_out(len(digest.undecided), len(shown), "reason"),
    )


def _undecided(row: Undecided) -> Markup:
    return tag(
        "tr",
        tag("th", row.name, scope="row"),
        tag("td", number(row.objects), class_="num"),
        tag("td", short(row.reason, TEXT), class_="wide"),
    )


def waived(digest: Digest) -> Markup | None:
    """Findings that somebody answers for, with the reason."""
    if not digest.waived:
        return None
    shown = digest.waived[:MAX_ROWS]
    rows = [
        _row(object_name(found.finding.object), found.finding.name, short(found.waived or "", TEXT))
        for found in shown
    ]
    heads = [("Object", False), ("Invariant", False), ("Reason and last day", False)]
    return card(
        "waived",
        "Waived",
        table("They take no points while the waiver lasts", heads, rows, "Waived findings"),
        left_out(len(digest.waived), len(shown), "waived finding"),
    )


def _row(first: str, *others: str) -> Markup:
    cells = (tag("td", other, class_="wide") for other in others)
    return tag("tr", tag("th", first, scope="row"), *cells)
