"""The report as GitHub's Markdown, small enough for one comment.

GitHub refuses a body of more than 65,536 characters, so that rows stop before that and a line says
how many are left out. Everything that comes from a manifest is escaped: no mention of people, no
link, no HTML, no broken table.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

from karb_guard.model.audit import Audit
from karb_guard.model.finding import Severity
from karb_guard.model.path import format_path
from karb_guard.model.report import LocatedFinding, Report, counted
from karb_guard.reports.digest import digest
from karb_guard.reports.figures import Digest, Gpus
from karb_guard.reports.layers import Layer
from karb_guard.reports.prices import PriceTable
from karb_guard.reports.score import FORMULA
from karb_guard.reports.snippet import CUT, printable

MAX_CHARACTERS = 65_536
_ROOM = 60_000
"""Rows stop here; what follows them fits in the rest."""
_CELL = 240
"""Characters of one cell's text before it is escaped."""
_NAMESPACES, _ACTIONS, _MISSING = 15, 10, 15
_SIGNS = {Severity.ERROR: "🔴 error", Severity.WARNING: "🟡 warning", Severity.INFO: "🔵 info"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#!|~:@]|(?<=www)\.)", re.IGNORECASE)
"""What Markdown or GitHub reads within a line, or makes links of: ``://`` and ``www.``."""


def render(report: Report, audit: Audit | None = None, prices: PriceTable | None = None) -> str:
    """The report as Markdown of at most ``MAX_CHARACTERS`` characters."""
    found = digest(report, audit, prices)
    head = "\n".join(
        line
        for part in (_summary(found), _layers(found), _actions(found), _namespaces(found))
        for line in part
    )
    tail = "\n".join([*_missing(found), *_footer(found)])
    room = _ROOM - len(head) - len(tail)
    return f"{head}\n{_findings(found, room)}{tail}\n"


def escaped(text: str, limit: int = _CELL) -> str:
    """Text that GitHub shows as it is, on one line, in a table's cell too.

    A backslash before each character that Markdown reads, and character references for HTML's
    (https://spec.commonmark.org/0.31.2/#backslash-escapes).
    """
    line = printable(" ".join(text.split()))
    shown = line if len(line) <= limit else line[: limit - 1] + CUT
    # ``@`` and ``#`` in front of a name notify people; a reference breaks them up.
    text = _SPECIAL.sub(r"\\\1", html.escape(shown, quote=False).replace("&", "\x00"))
    return text.replace("\x00", "&").replace("\\@", "&#64;").replace("\\#", "&#35;")


def _summary(found: Digest) -> Iterator[str]:
    value = found.score.value
    counts = found.counts
    where = "" if found.audit is None else f": {escaped(found.audit.cluster)}"
    yield f"## karb-guard{where}"
    yield ""
    if found.audit is not None:
        score = "no score" if value is None else f"score **{value}** of 100"
        yield f"{found.audit.started:%Y-%m-%d %H:%M} UTC, {score}."
        yield ""
    parts = [
        counted(counts.error, "error"),
        counted(counts.warning, "warning"),
        f"{counts.info} info",
        f"{len(found.waived)} waived",
        *([f"{found.known} in the baseline"] if found.known else []),
    ]
    yield f"**{', '.join(parts)}**. {escaped(found.report.coverage.line())}"
    if found.gpus.total:
        yield ""
        yield f"Owners with findings hold {_gpus(found, found.gpus)} of {found.all_gpus} GPUs."


def _gpus(found: Digest, gpus: Gpus) -> str:
    text = f"{gpus.total} ({gpus.hours:,} GPU-hours a day"
    if found.prices is not None and gpus.priced:
        text += f", {gpus.per_day:,.0f} {escaped(found.prices.currency)}".rstrip()
    return f"{text})"


def _layers(found: Digest) -> Iterator[str]:
    if found.audit is None:
        return
    yield from _table_head("Layer", "Score", "Errors", "Warnings", "Info")
    for layer in Layer:
        value = found.layers[layer].value
        shown = "–" if value is None else value
        counts = found.layer_counts[layer]
        yield f"| {layer.value} | {shown} | {counts.error} | {counts.warning} | {counts.info} |"


def _actions(found: Digest) -> Iterator[str]:
    if found.audit is None or not found.actions:
        return
    yield ""
    yield "### What to do next"
    yield from _table_head("Severity", "Invariant", "What", "Objects", "GPU-hours a day")
    for action in found.actions[:_ACTIONS]:
        what = escaped(action.title)
        hours = action.gpus.hours
        sign = _SIGNS[action.severity]
        yield f"| {sign} | `{action.name}` | {what} | {len(action.owners)} | {hours} |"
    yield from _more(len(found.actions) - _ACTIONS, "invariant")


def _namespaces(found: Digest) -> Iterator[str]:
    if found.audit is None or not found.namespaces:
        return
    yield ""
    yield "### Namespaces"
    yield from _table_head("Namespace", "Score", "Errors", "Warnings", "Info", "GPU-hours a day")
    for row in found.namespaces[:_NAMESPACES]:
        value = "–" if row.score.value is None else row.score.value
        name = escaped(row.name) or "(cluster-scoped)"
        counts = " | ".join(str(count) for count in row.counts)
        yield f"| {name} | {value} | {counts} | {row.gpus.hours} |"
    yield from _more(len(found.namespaces) - _NAMESPACES, "namespace")


def _findings(found: Digest, room: int) -> str:
    """As many rows as there is room for, worst first, and how many are left out."""
    if not found.findings:
        return ""
    place = "Object" if found.audit is not None else "Place"
    lines = ["", "### Findings", *_table_head("Severity", "Invariant", place, "What")]
    room -= sum(len(line) + 1 for line in lines)
    shown = 0
    for each in found.findings:
        row = _finding(each, found)
        room -= len(row) + 1
        if room < 0:
            break
        lines.append(row)
        shown += 1
    lines += _more(len(found.findings) - shown, "finding")
    return "\n".join(lines) + "\n"


def _finding(each: LocatedFinding, found: Digest) -> str:
    finding = each.finding
    where = escaped(str(finding.object))
    if found.audit is None:
        where = f"{escaped(each.region.location)}<br>{where}"
    what = f"{escaped(finding.message)}<br>at {escaped(format_path(finding.path))}"
    return f"| {_SIGNS[finding.severity]} | `{finding.name}` | {where} | {what} |"


def _missing(found: Digest) -> list[str]:
    entries = [f"{escaped(p.location)}: {escaped(p.text)}" for p in found.report.problems]
    if found.audit is not None:
        entries += [f"{escaped(m.what)}: {escaped(m.reason)}" for m in found.audit.missing]
    if not entries:
        return []
    shown = [f"- {entry}" for entry in entries[:_MISSING]]
    rest = _more(len(entries) - _MISSING, "entry", "entries")
    return ["", "### What could not be read or judged", "", *shown, *rest]


def _footer(found: Digest) -> Sequence[str]:
    objects = sum(row.objects for row in found.undecided)
    undecided = [f"Undecided: {objects}, neither pass nor finding."] if objects else []
    formula = [FORMULA] if found.audit is not None else []
    hint = "`karb-guard explain NAME` says why and what to do."
    text = escaped(f"karb-guard {found.report.version}")
    return ["", f"<sub>{' '.join([*undecided, *formula, hint])} {text}</sub>"]


def _table_head(*names: str) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join(names)} |"
    yield f"|{'|'.join(' --- ' for _ in names)}|"


def _more(count: int, word: str, plural: str = "") -> list[str]:
    if count <= 0:
        return []
    return ["", f"{counted(count, word, plural)} more; `--format json` or `csv` has all."]
