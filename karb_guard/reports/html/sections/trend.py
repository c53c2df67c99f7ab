"""Open findings over the scans of a cluster."""

from __future__ import annotations

from karb_guard.model.finding import Severity
from karb_guard.reports.figures import SEVERITIES, Digest
from karb_guard.reports.html import charts
from karb_guard.reports.html.markup import Markup, tag
from karb_guard.reports.html.words import card, number, table


def section(digest: Digest) -> Markup:
    """Open findings over the scans of this cluster."""
    points = charts.thinned(digest.trend)
    if len(points) < 2:
        words = "This is the first scan that is known of. The next one shows what became of it."
        return card("trend", "Trend", tag("p", words, class_="soft"))
    first, last = (sum(points[i].open_findings.values()) for i in (0, -1))
    since = points[0].at.strftime("%d %b %Y")
    change = "unchanged" if first == last else f"{'down' if last < first else 'up'} from {first:,}"
    label = f"{last:,} open findings, {change} since {since}"
    legend = tag("ul", *(_legend(severity) for severity in SEVERITIES), class_="legend")
    return card(
        "trend",
        "Trend",
        tag("p", label, class_="soft"),
        charts.trend(points, f"Line chart: {label}. The table below has the figures."),
        legend,
        tag("details", tag("summary", "The figures"), _trend_table(digest)),
    )


def _legend(severity: Severity) -> Markup:
    line = tag("line", class_=f"line {severity.value}", x1=0, x2=26, y1=4, y2=4)
    mark = tag("svg", line, viewBox="0 0 26 8", aria_hidden="true", focusable="false")
    return tag("li", mark, severity.value)


def _trend_table(digest: Digest) -> Markup:
    points = charts.thinned(digest.trend)
    rows = [
        tag(
            "tr",
            tag("th", point.at.strftime("%Y-%m-%d %H:%M"), scope="row"),
            *(tag("td", number(point.open_findings.get(s, 0)), class_="num") for s in SEVERITIES),
            tag("td", number(point.objects), class_="num"),
        )
        for point in reversed(points)
    ]
    heads = [("Scan (UTC)", False), ("Errors", True), ("Warnings", True), ("Info", True)]
    heads.append(("Objects", True))
    thinned = "" if len(points) == len(digest.trend) else f", of {len(digest.trend)} scans"
    return table(f"Open findings of {len(points)} scans{thinned}", heads, rows, "Trend figures")
