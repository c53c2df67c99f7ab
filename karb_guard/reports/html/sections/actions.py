"""What to mend, in the order of what it gains."""

from __future__ import annotations

from karb_guard.model.report import counted
from karb_guard.reports.figures import Action, Digest
from karb_guard.reports.html.markup import Markup, join, short, tag
from karb_guard.reports.html.prose import prose
from karb_guard.reports.html.words import (
    TEXT,
    badge,
    card,
    cost,
    gpu_hours,
    left_out,
    number,
    object_name,
)

MAX_ACTIONS = 60
FIRST_ACTIONS = 5
REMEDY = 1_500
"""Characters of a remedy."""
_WORDS = ("of", "about")


def section(digest: Digest) -> Markup:
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
