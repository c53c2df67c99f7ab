"""The top of the page: what the report is not about, the score and the figures beside it."""

from __future__ import annotations

from karb_guard.model.report import counted
from karb_guard.reports.figures import Digest
from karb_guard.reports.html import charts
from karb_guard.reports.html.markup import Markup, tag
from karb_guard.reports.html.words import money, number


def unread(digest: Digest) -> int:
    """How many things have no verdict because they could not be read or judged."""
    missing = 0 if digest.audit is None else len(digest.audit.missing)
    return missing + len(digest.report.problems)


def alert(digest: Digest) -> Markup | None:
    """Says at the top that the report is not about everything."""
    count = unread(digest)
    if not count:
        return None
    text = f"{counted(count, 'thing')} could not be read or judged. The figures below don't cover"
    link = tag("a", "what is missing", href="#missing")
    return tag("div", tag("p", f"{text} them: see ", link, "."), class_="alert", role="note")


def overview(digest: Digest) -> Markup:
    """The score and the figures beside it."""
    value = digest.score.value
    shown = tag("strong", "–" if value is None else value)
    ring = tag("p", shown, tag("span", "of 100", class_="soft small"), class_="value")
    scorecard = tag(
        "section",
        tag("h2", "Score", id="score-title"),
        tag("div", charts.gauge(value), ring, class_="ring"),
        tag("p", f"over {counted(digest.score.objects, 'object')} judged", class_="soft small"),
        tag("p", tag("a", "How it is made", href="#method"), class_="small"),
        class_="card scorecard",
        aria_labelledby="score-title",
    )
    tiles = tag("dl", *_tiles(digest), class_="tiles")
    heading = tag("h2", "Key figures", class_="visually-hidden", id="figures-title")
    figures = tag("section", heading, tiles, aria_labelledby="figures-title")
    return tag("div", scorecard, figures, class_="overview")


def _tiles(digest: Digest) -> list[Markup]:
    counts = digest.counts
    owners = counted(len(digest.offenders), "object")
    tiles = [
        _tile("Open errors", number(counts.error), f"on {owners} with findings", "error"),
        _tile(
            "Open warnings", number(counts.warning), f"and {number(counts.info)} info", "warning"
        ),
    ]
    if digest.audit is not None:
        of_all = f"{number(digest.gpus.total)} of {number(digest.all_gpus)} GPUs"
        tiles.append(
            _tile("GPU-hours with findings", number(digest.gpus.hours), f"a day; {of_all}")
        )
    if digest.prices is not None:
        price = money(digest.gpus.per_day, digest.prices.currency) if digest.gpus.priced else "–"
        known = f"{number(digest.gpus.priced)} of {number(digest.gpus.total)} GPUs have a price"
        tiles.append(_tile("Cost of those hours", price, f"a day; {known}"))
    known = f", {number(digest.known)} in the baseline" if digest.known else ""
    undecided = number(sum(row.objects for row in digest.undecided))
    tiles += [
        _tile("Namespaces with findings", *_namespaces_figure(digest)),
        _tile("Findings waived", number(len(digest.waived)), f"with a reason{known}"),
        _tile("Undecided", undecided, "neither pass nor finding"),
    ]
    return tiles


def _namespaces_figure(digest: Digest) -> tuple[str, str]:
    named = [row for row in digest.namespaces if row.name]
    with_findings = sum(row.counts.total > 0 for row in named)
    return number(with_findings), f"of {number(len(named))} seen"


def _tile(term: str, value: str, note: str, kind: str = "") -> Markup:
    return tag(
        "div",
        tag("dt", term),
        tag("dd", value, class_="big"),
        tag("dd", note, class_="note"),
        class_=f"tile {kind}".rstrip(),
    )
