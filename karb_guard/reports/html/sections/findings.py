"""The open findings, each, with a filter."""

from __future__ import annotations

from karb_guard.model.finding import Severity
from karb_guard.model.path import format_path
from karb_guard.model.report import LocatedFinding, counted
from karb_guard.reports.figures import SEVERITIES, Digest
from karb_guard.reports.html.markup import Markup, join, short, tag
from karb_guard.reports.html.words import TEXT, badge, card, left_out, namespace_name, object_name

MAX_FINDINGS = 1_000
MAX_FINDING_BYTES = 1_000_000
"""Of all findings together: names of 253 characters and escapes would make the page large."""


def section(digest: Digest) -> Markup:
    """The open findings, with a filter where scripts run."""
    rows = _bounded_findings(digest)
    if not rows:
        return card("findings", "Findings", tag("p", "There is no open finding."))
    count = f"{counted(len(digest.findings), 'open finding')}, worst first."
    shown = digest.findings[: len(rows)]
    return card(
        "findings",
        "Findings",
        tag("p", count, class_="soft"),
        left_out(len(digest.findings), len(rows), "finding"),
        _filter([found.finding.owner.namespace or "" for found in shown]),
        tag("ul", *rows, class_="findings", id="findings-list"),
    )


def _bounded_findings(digest: Digest) -> list[Markup]:
    rows: list[Markup] = []
    room = MAX_FINDING_BYTES
    for found in digest.findings[:MAX_FINDINGS]:
        row = _finding(found)
        room -= len(row.encode(errors="replace"))
        if room < 0:
            break
        rows.append(row)
    return rows


def _filter(namespaces: list[str]) -> Markup:
    options = [
        tag("option", namespace_name(name), value=name or " ") for name in sorted(set(namespaces))
    ]
    query = tag(
        "div",
        tag("label", "Search ", tag("kbd", "/"), class_="field", for_="query"),
        tag("input", type="search", id="query", autocomplete="off", spellcheck="false"),
    )
    select = tag(
        "div",
        tag("label", "Namespace", class_="field", for_="namespace"),
        tag("select", tag("option", "All", value="*"), *options, id="namespace"),
    )
    legend = tag("legend", "Severity", class_="visually-hidden")
    boxes = tag("fieldset", legend, *(_box(severity) for severity in SEVERITIES))
    form = tag(
        "form",
        query,
        select,
        boxes,
        tag("button", "Reset", type="reset"),
        id="filter",
        class_="filter",
        hidden="",
        role="search",
        aria_label="Filter the findings",
    )
    status = tag("p", id="shown", class_="soft small", role="status")
    return join([form, status])


def _box(severity: Severity) -> Markup:
    box = tag("input", type="checkbox", value=severity.value, checked="")
    return tag("label", box, severity.value)


def _finding(found: LocatedFinding) -> Markup:
    finding = found.finding
    path = short(format_path(finding.path), TEXT)
    place = None
    if finding.object != finding.owner:
        place = tag("span", f"of {object_name(finding.owner)}", class_="soft small")
    return tag(
        "li",
        tag("div", badge(finding.severity)),
        tag(
            "div",
            tag("p", tag("b", object_name(finding.object)), " ", place),
            tag("p", short(finding.message, TEXT)),
            tag("p", tag("code", path), class_="soft"),
        ),
        tag("div", tag("code", finding.name), tag("br"), finding.invariant_id, class_="rule soft"),
        data_s=finding.severity.value,
        data_n=finding.owner.namespace or " ",
    )
