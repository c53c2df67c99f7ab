"""One self-contained HTML page: no request, no third party's code, and bounded in size.

The policy in the page lets a browser run and style only what stands in ``page.js`` and
``page.css``, by their hashes: markup that got through unescaped could still do nothing.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources

from karb_guard.model.audit import Audit
from karb_guard.model.report import Report
from karb_guard.reports.digest import digest
from karb_guard.reports.figures import Digest
from karb_guard.reports.html.markup import Markup, short, tag
from karb_guard.reports.html.sections import (
    actions,
    findings,
    method,
    not_scored,
    offenders,
    scores,
    summary,
    trend,
)
from karb_guard.reports.prices import PriceTable


def render(report: Report, audit: Audit | None = None, prices: PriceTable | None = None) -> str:
    """The page of a report, or of the audit it belongs to. Under 2 MB whatever it holds."""
    found = digest(report, audit, prices)
    page = tag("html", _head(found), _body(found), lang="en")
    # A lone surrogate has no UTF-8.
    return f"<!DOCTYPE html>\n{page}\n".encode(errors="replace").decode()


def _head(digest: Digest) -> Markup:
    policy = (
        f"default-src 'none'; style-src '{_source('page.css')}'; "
        f"script-src '{_source('page.js')}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{_title(digest)} · karb-guard"),
        # An empty icon, or browsers ask the server of the page for one.
        tag("link", rel="icon", href="data:,"),
        tag("style", Markup(_asset("page.css"))),
    )


def _title(digest: Digest) -> str:
    if digest.audit is None:
        return "Lint report"
    return f"Audit of {short(digest.audit.cluster, 120)}"


def _body(digest: Digest) -> Markup:
    cards = [
        ("next", "What to do next", actions.section(digest)),
        ("namespaces", "Namespaces", scores.namespaces(digest)),
        ("offenders", "Worst offenders", offenders.section(digest)),
        ("findings", "Findings", findings.section(digest)),
        ("missing", "Not read", not_scored.missing(digest)),
        ("undecided", "Undecided", not_scored.undecided(digest)),
        ("waived", "Waived", not_scored.waived(digest)),
        ("method", "Method", method.section(digest)),
    ]
    over_time = None if digest.audit is None else trend.section(digest)
    layers = scores.layers(digest)
    top = [("layers", "Layers", layers), ("trend", "Trend", over_time)]
    shown = [(anchor, name, card) for anchor, name, card in cards if card is not None]
    links = [
        tag("li", tag("a", name, href=f"#{anchor}"))
        for anchor, name, card in [*top, *shown]
        if card
    ]
    main = tag(
        "main",
        summary.alert(digest),
        summary.overview(digest),
        # Beside each other where there is a chart, not beside a sentence.
        tag("div", layers, over_time, class_="pair" if len(digest.trend) > 1 else "stack"),
        *(card for _, _, card in shown),
        id="main",
        class_="wrap",
        tabindex=-1,
    )
    return tag(
        "body",
        tag("a", "Skip to the report", class_="skip", href="#main"),
        _header(digest),
        tag("nav", tag("ul", *links), class_="sections", aria_label="Sections"),
        main,
        _footer(digest),
        tag("script", Markup(_asset("page.js"))),
    )


def _header(digest: Digest) -> Markup:
    facts = [f"{digest.report.coverage.line()}"]
    if digest.audit is not None:
        facts = [
            digest.audit.started.strftime("%d %B %Y, %H:%M UTC"),
            f"scanned in {digest.audit.seconds:,.1f} s",
            *facts,
        ]
    listed = tag("ul", *(tag("li", fact) for fact in facts), class_="facts")
    brand = tag("p", "karb-guard · AI inference on Kubernetes", class_="brand")
    inner = tag("div", brand, tag("h1", _title(digest)), listed, class_="wrap")
    return tag("header", inner, class_="top")


def _footer(digest: Digest) -> Markup:
    version = f"karb-guard {digest.report.version}".rstrip()
    rules = f"{len(digest.report.invariants)} invariants enabled"
    text = f"{version} · {rules} · exit code {_exit_code(digest)}"
    return tag("footer", tag("div", tag("p", text), class_="wrap"))


def _exit_code(digest: Digest) -> int:
    return digest.report.exit_code if digest.audit is None else digest.audit.exit_code


@cache
def _asset(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


def _source(name: str) -> str:
    """What allows exactly this text, as https://www.w3.org/TR/CSP3/#match-element-to-source-list."""
    return f"sha256-{base64.b64encode(hashlib.sha256(_asset(name).encode()).digest()).decode()}"
