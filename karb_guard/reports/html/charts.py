"""Charts as inline SVG: no script, no request, and colours from the page's own style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence

from karb_guard.model.audit import TrendPoint
from karb_guard.model.finding import Severity
from karb_guard.reports.figures import SEVERITIES
from karb_guard.reports.html.markup import Markup, join, tag

MAX_POINTS = 60
"""More points than that are thinned out: a line of 60 has all the shape that a page can show."""
_WIDTH, _HEIGHT = 480, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 12, 26
_RADIUS = 52
_CIRCUMFERENCE = 2 * math.pi * _RADIUS


def grade(value: int | None) -> str:
    """The class that colours a score: ``good`` from 90, ``fair`` from 70, else ``poor``."""
    if value is None:
        return "none"
    return "good" if value >= 90 else "fair" if value >= 70 else "poor"


def bar(value: int | None) -> Markup:
    """A score as a bar; the number stands beside it, so that readers of the screen skip it."""
    return tag(
        "svg",
        tag("rect", class_="track", width=100, height=6),
        tag("rect", class_=f"fill {grade(value)}", width=value or 0, height=6),
        class_="bar",
        viewBox="0 0 100 6",
        preserveAspectRatio="none",
        aria_hidden="true",
        focusable="false",
    )


def gauge(value: int | None) -> Markup:
    """A score as a ring."""
    filled = _CIRCUMFERENCE * (value or 0) / 100
    ring: dict[str, str | int] = {"cx": 60, "cy": 60, "r": _RADIUS, "fill": "none"}
    return tag(
        "svg",
        tag("circle", class_="track", stroke_width=10, **ring),
        tag(
            "circle",
            class_=f"arc {grade(value)}",
            stroke_width=10,
            stroke_linecap="round" if value else "butt",
            stroke_dasharray=f"{filled:.1f} {_CIRCUMFERENCE:.1f}",
            transform="rotate(-90 60 60)",
            **ring,
        ),
        class_="gauge",
        viewBox="0 0 120 120",
        aria_hidden="true",
        focusable="false",
    )


def thinned(points: Sequence[TrendPoint]) -> list[TrendPoint]:
    """At most ``MAX_POINTS`` of them at even distances, the first and the last included."""
    if len(points) <= MAX_POINTS:
        return list(points)
    step = (len(points) - 1) / (MAX_POINTS - 1)
    return [points[round(index * step)] for index in range(MAX_POINTS)]


def trend(points: Sequence[TrendPoint], label: str) -> Markup:
    """Open findings over time, one line a severity. Needs two points."""
    top = _rounded_up(max(n for point in points for n in point.open_findings.values()))
    lines = [_line(points, severity, top) for severity in reversed(SEVERITIES)]
    return tag(
        "svg",
        *(_grid(top * quarter // 4, top) for quarter in range(5)),
        *_dates(points),
        *lines,
        class_="trend",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=label,
    )


def _rounded_up(most: int) -> int:
    """The top of the scale: the next 1, 2, 4 or 8 times a power of ten, and divisible by 4."""
    scale = 4
    while scale < most:
        scale = scale * 2 if str(scale)[0] in "124" else scale // 8 * 10
        scale += -scale % 4
    return scale


def _x(points: Sequence[TrendPoint], index: int) -> float:
    """By time, so that a pause between scans is seen as one."""
    span = (points[-1].at - points[0].at).total_seconds()
    width = _WIDTH - _LEFT - _RIGHT
    if span <= 0:
        return _LEFT + width * index / (len(points) - 1)
    return _LEFT + width * (points[index].at - points[0].at).total_seconds() / span


def _y(count: int, top: int) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * count / top


def _line(points: Sequence[TrendPoint], severity: Severity, top: int) -> Markup:
    places = [
        (_x(points, index), _y(point.open_findings.get(severity, 0), top))
        for index, point in enumerate(points)
    ]
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    x, y = places[-1]
    return join(
        [
            tag("polyline", class_=f"line {severity.value}", points=joined, fill="none"),
            tag("circle", class_=f"dot {severity.value}", cx=f"{x:.1f}", cy=f"{y:.1f}", r=4),
        ]
    )


def _grid(count: int, top: int) -> Markup:
    y = f"{_y(count, top):.1f}"
    return join(
        [
            tag("line", class_="grid", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y),
            tag("text", count, x=_LEFT - 8, y=y, text_anchor="end", dominant_baseline="middle"),
        ]
    )


def _dates(points: Sequence[TrendPoint]) -> list[Markup]:
    first, last = (points[i].at.strftime("%d %b %Y") for i in (0, -1))
    return [
        tag("text", first, x=_LEFT, y=_HEIGHT - 6),
        tag("text", last, x=_WIDTH - _RIGHT, y=_HEIGHT - 6, text_anchor="end"),
    ]
