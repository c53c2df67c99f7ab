"""The objects with the most errors."""

from __future__ import annotations

from karb_guard.reports.figures import Digest, Offender
from karb_guard.reports.html.markup import Markup, short, tag
from karb_guard.reports.html.words import (
    CLUSTER_SCOPED,
    NAME,
    card,
    count_cells,
    gpu_hours,
    left_out,
    table,
)

MAX_OFFENDERS = 15


def section(digest: Digest) -> Markup:
    """The objects with the most errors."""
    shown = digest.offenders[:MAX_OFFENDERS]
    heads = [("Object", False), ("Errors", True), ("Warnings", True), ("Info", True)]
    if digest.audit is not None:
        heads.append(("GPU-hours a day", True))
    heads.append(("Invariants", False))
    rows = [_offender(digest, offender) for offender in shown]
    caption = "By errors, then GPUs"
    return card(
        "offenders",
        "Worst offenders",
        table(caption, heads, rows, "Worst offenders") if rows else tag("p", "None."),
        left_out(len(digest.offenders), len(shown), "object"),
    )


def _offender(digest: Digest, offender: Offender) -> Markup:
    names = ", ".join(offender.invariants[:6])
    more = len(offender.invariants) - 6
    where = offender.owner.namespace or CLUSTER_SCOPED
    kind = tag("span", f"{short(offender.owner.kind, NAME)} in {short(where, NAME)}", class_="soft")
    gpus = tag("td", gpu_hours(offender.gpus), class_="num")
    return tag(
        "tr",
        tag("th", short(offender.owner.name, NAME), tag("br"), kind, scope="row"),
        count_cells(offender.counts),
        gpus if digest.audit is not None else None,
        tag("td", names + (f" and {more} more" if more > 0 else ""), class_="wide small"),
    )
