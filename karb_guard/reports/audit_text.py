"""An audit in a terminal: the report that lint prints, then what only a cluster can tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from karb_guard.model.audit import Audit
from karb_guard.model.report import counted
from karb_guard.reports import text
from karb_guard.reports.digest import digest
from karb_guard.reports.figures import Digest
from karb_guard.reports.layers import Layer
from karb_guard.reports.prices import PriceTable
from karb_guard.reports.snippet import printable

_NAMESPACES = 10
_ACTIONS = 5


def render(
    audit: Audit,
    prices: PriceTable | None = None,
    *,
    colour: bool = False,
    verbose: bool = False,
    quiet: bool = False,
) -> str:
    """The whole audit. ``verbose`` and ``quiet`` as for a report; all namespaces if verbose."""
    # A place in a cluster has no source line to show.
    report = replace(
        audit.report,
        findings=[replace(f, region=f.region._replace(text="")) for f in audit.report.findings],
    )
    said = text.render(report, colour=colour, verbose=verbose, quiet=quiet)
    lines = list(_missing(audit))
    if not quiet:
        lines += ["", coverage(audit)]
        found = digest(audit.report, audit, prices)
        lines += _scores(found, verbose=verbose)
    return said + "".join(f"{printable(line)}\n" for line in lines)


def _missing(audit: Audit) -> Iterator[str]:
    for missing in audit.missing:
        undecided = f"; undecided: {', '.join(missing.undecided)}" if missing.undecided else ""
        yield f"not read: {missing.what}: {missing.reason}{undecided}"


def coverage(audit: Audit) -> str:
    """How much of the cluster has a verdict, and what was not listed."""
    owners = sum(each.objects for each in audit.namespaces.values())
    namespaces = counted(sum(1 for name in audit.namespaces if name), "namespace")
    return (
        f"{audit.cluster}: {counted(audit.report.coverage.checked, 'object')} under "
        f"{counted(owners, 'owner')} in {namespaces} checked, {len(audit.missing)} not listed, "
        f"in {audit.seconds:.1f} s"
    )


def _scores(found: Digest, *, verbose: bool) -> Iterator[str]:
    yield f"score {_number(found.score.value)} of 100 over {counted(found.score.objects, 'object')}"
    layers = (f"{layer.value} {_number(found.layers[layer].value)}" for layer in Layer)
    yield f"layers: {', '.join(layers)}"
    if found.gpus.total:
        yield f"GPUs of owners with findings: {_gpus(found)}"
    rows = [row for row in found.namespaces if row.counts.total]
    shown = rows if verbose else rows[:_NAMESPACES]
    for row in shown:
        counts = f"{row.counts.error} error, {row.counts.warning} warning, {row.counts.info} info"
        name = row.name or "(cluster-scoped)"
        yield f"  {_number(row.score.value):>3}  {name}: {counts}"
    if len(rows) > len(shown):
        yield f"       and {counted(len(rows) - len(shown), 'namespace')} more (--verbose)"
    for number, action in enumerate(found.actions[:_ACTIONS], 1):
        objects = counted(len(action.owners), "object")
        yield f"next {number}: {action.name} ({action.severity.value}, {objects}): {action.title}"


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def _gpus(found: Digest) -> str:
    said = f"{found.gpus.total} of {found.all_gpus}, {found.gpus.hours} GPU-hours a day"
    if found.prices is None or not found.gpus.priced:
        return said
    cost = f"{found.gpus.per_day:,.0f} {found.prices.currency}".rstrip()
    return f"{said}, {cost} a day for the {found.gpus.priced} that have a price"
