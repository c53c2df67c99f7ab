"""The sections of the page, from what a lead asks first to what an engineer looks up."""

from __future__ import annotations

from collections.abc import Sequence

from karb_guard.model.audit import Missing
from karb_guard.model.finding import Severity
from karb_guard.model.path import format_path
from karb_guard.model.report import LocatedFinding, Problem, counted
from karb_guard.reports.digest import (
    SEVERITIES,
    Action,
    Digest,
    NamespaceRow,
    Offender,
    Undecided,
)
from karb_guard.reports.html import charts
from karb_guard.reports.html.markup import Markup, join, short, tag
from karb_guard.reports.html.prose import prose
from karb_guard.reports.html.words import (
    CLUSTER_SCOPED,
    NAME,
    TEXT,
    badge,
    card,
    cell,
    cost,
    count_cells,
    gpu_hours,
    left_out,
    money,
    namespace_name,
    number,
    object_name,
    table,
)
from karb_guard.reports.layers import Layer
from karb_guard.reports.score import FORMULA

MAX_FINDINGS = 1_000
MAX_FINDING_BYTES = 1_000_000
"""Of all findings together: names of 253 characters and escapes would make the page large."""
MAX_NAMESPACES = 150
MAX_OFFENDERS = 15
MAX_ACTIONS = 60
FIRST_ACTIONS = 5
MAX_NAMES = 20
"""Of one cell that lists names."""
REMEDY = 1_500
"""Characters of a remedy."""
_WORDS = ("of", "about")
MAX_ROWS = 100
"""Of what could not be read, undecided and waived, each."""


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


def layers(digest: Digest) -> Markup:
    """The score of each layer of the paper."""
    heads = [("Layer", False), ("Score", True), ("Points left", None)]
    heads += [("Errors", True), ("Warnings", True), ("Info", True)]
    rows = [_layer(digest, layer) for layer in Layer]
    caption = "The five layers of the KARB paper, and governance across them"
    return card("layers", "Score per layer", table(caption, heads, rows, "Score per layer"))


def _layer(digest: Digest, layer: Layer) -> Markup:
    score = digest.layers[layer]
    meaning = tag("span", layer.meaning, class_="soft small")
    return tag(
        "tr",
        tag("th", layer.value.capitalize(), tag("br"), meaning, scope="row"),
        tag("td", cell(score.value), class_="num"),
        tag("td", charts.bar(score.value), class_="barcell"),
        count_cells(digest.layer_counts[layer]),
    )


def trend(digest: Digest) -> Markup:
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


def actions(digest: Digest) -> Markup:
    """What to mend, in the order of what it gains."""
    if not digest.actions:
        return card("next", "What to do next", tag("p", "Nothing: there is no open finding."))
    shown = digest.actions[:MAX_ACTIONS]
    items = [_action(digest, action) for action in shown]
    rest = items[FIRST_ACTIONS:]
    more = None
    if rest:
        start = tag("ol", *rest, class_="actions", start=FIRST_ACTIONS + 1)
        summary = tag("summary", f"{counted(len(rest), 'more step')}")
        more = tag("details", summary, start, class_="more")
    order = "Ordered by effect: the severity's weight × objects, then GPUs. One remedy each."
    return card(
        "next",
        "What to do next",
        tag("p", order, class_="soft"),
        tag("ol", *items[:FIRST_ACTIONS], class_="actions"),
        more,
        left_out(len(digest.actions), len(shown), "step"),
    )


def _action(digest: Digest, action: Action) -> Markup:
    title = tag("h3", short(action.title, TEXT))
    where = [
        counted(action.findings, "finding"),
        counted(action.namespaces, "namespace") if action.namespaces else "cluster-scoped",
        f"layer: {action.layer.value}",
    ]
    worst = ", ".join(object_name(owner) for owner in action.owners[:3])
    more = f" and {number(len(action.owners) - 3)} more" if len(action.owners) > 3 else ""
    rule = tag("code", action.name)
    body = tag(
        "div",
        tag("div", badge(action.severity), " ", title),
        tag("p", tag("span", rule), *(tag("span", part) for part in where), class_="meta"),
        tag("p", f"{worst}{more}", class_="soft small"),
        _remedy(action),
        _links(action),
    )
    gpus = [f"{gpu_hours(action.gpus)} GPU-hours a day"] if action.gpus.total else []
    gain = tag(
        "p",
        tag("strong", counted(len(action.owners), "object")),
        join(tag("span", part) for part in gpus),
        *([tag("br"), cost(action.gpus, digest)] if cost(action.gpus, digest) else []),
        class_="gain",
    )
    return tag("li", body, gain)


def _remedy(action: Action) -> Markup:
    about = tag("span", f": {action.name}", class_="visually-hidden")
    body = prose(short(action.remediation, REMEDY))
    return tag("details", tag("summary", "How to mend it", about), body)


def _links(action: Action) -> Markup:
    of, about = (tag("span", f" {w} {action.name}", class_="visually-hidden") for w in _WORDS)
    show = tag("a", "Show its findings", of, href="#findings", data_filter=action.name)
    if not action.url:
        return tag("p", show, class_="small")
    read = tag("a", "Read more", about, href=action.url, rel="noreferrer noopener")
    return tag("p", show, " · ", read, class_="small")


def namespaces(digest: Digest) -> Markup:
    """The score of each namespace in each layer."""
    shown = digest.namespaces[:MAX_NAMESPACES]
    heads = [("Namespace", False), ("Score", True)]
    heads += [(layer.value.capitalize(), True) for layer in Layer]
    heads += [("Errors", True), ("Warnings", True), ("Info", True)]
    if digest.audit is not None:
        heads += [("Workloads", True), ("GPU-hours a day", True)]
    rows = [_namespace(digest, row) for row in shown]
    caption = "Those that lose the most points first; – where nothing of the layer was judged"
    return card(
        "namespaces",
        "Score per namespace",
        table(caption, heads, rows, "Score per namespace"),
        left_out(len(digest.namespaces), len(shown), "namespace"),
    )


def _namespace(digest: Digest, row: NamespaceRow) -> Markup:
    audited = digest.audit is not None
    workloads = "–" if row.workloads is None else number(row.workloads)
    return tag(
        "tr",
        tag("th", namespace_name(row.name), scope="row"),
        tag("td", cell(row.score.value), class_="num"),
        *(tag("td", cell(row.layers[layer].value), class_="num") for layer in Layer),
        count_cells(row.counts),
        tag("td", workloads, class_="num") if audited else None,
        tag("td", gpu_hours(row.gpus), class_="num") if audited else None,
    )


def offenders(digest: Digest) -> Markup:
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


def findings(digest: Digest) -> Markup:
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


def _row(first: str, *others: str) -> Markup:
    cells = (tag("td", other, class_="wide") for other in others)
    return tag("tr", tag("th", first, scope="row"), *cells)


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


def method(digest: Digest) -> Markup:
    """How the figures are made."""
    parts = [
        tag("p", FORMULA, class_="formula"),
        tag(
            "p",
            "An object is a topmost owner, or what nothing owns. A layer's score counts the "
            "objects of kinds that its invariants ask something of, and their findings of that "
            "layer alone. Waived findings take nothing; what could not be read or decided is not "
            "in the score. Colours: from 90 green, from 70 amber, below red.",
        ),
    ]
    if digest.audit is not None:
        parts.append(
            tag(
                "p",
                "GPU-hours a day are whole GPUs, all replicas together, of owners with open "
                "findings × 24. They are hours to look at, not hours lost. Money comes from your "
                "price table alone (--prices).",
            )
        )
    return card("method", "How the figures are made", *parts)
