"""Report formats: one file each, dispatched over a closed set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Literal, assert_never

from karb_guard.model.report import Problem, Report

if TYPE_CHECKING:
    from karb_guard.model.audit import Audit
    from karb_guard.reports.prices import PriceTable


class Format(str, Enum):
    """The formats of ``--format``."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"
    CSV = "csv"
    MARKDOWN = "markdown"
    HTML = "html"

    @property
    def is_data(self) -> bool:
        """For programs alone: without a coverage line that people read."""
        return self in {Format.JSON, Format.SARIF, Format.JUNIT, Format.CSV}


def render(
    report: Report,
    form: Format,
    *,
    colour: bool = False,
    verbose: bool = False,
    quiet: bool = False,
) -> str:
    """Print ``report`` in one format; ``colour``, ``verbose`` and ``quiet`` are for text only."""
    return "".join(pieces(report, form, colour=colour, verbose=verbose, quiet=quiet))


def pieces(
    report: Report,
    form: Format,
    *,
    colour: bool = False,
    verbose: bool = False,
    quiet: bool = False,
) -> Iterable[str]:
    """What ``render`` prints, in pieces: json and sarif are as long as there are findings.

    Formats are imported on first use: start-up matters.
    """
    if form is Format.TEXT:
        from karb_guard.reports import text

        return (text.render(report, colour=colour, verbose=verbose, quiet=quiet),)
    if form is Format.JSON:
        from karb_guard.reports import json_report

        return json_report.render(report)
    if form is Format.SARIF:
        from karb_guard.reports import sarif

        return sarif.render(report)
    if form is Format.JUNIT:
        from karb_guard.reports import junit

        return (junit.render(report),)
    if form is Format.GITHUB:
        from karb_guard.reports import github

        return (github.render(report),)
    return (_render_page(report, None, form, None),)


def render_audit(  # noqa: PLR0913 - what a command line passes on
    audit: Audit,
    form: Format,
    *,
    colour: bool = False,
    verbose: bool = False,
    quiet: bool = False,
    prices: PriceTable | None = None,
) -> str:
    """Print an audit in one format.

    ``prices`` is what the user pays for GPUs, for the formats that speak of money: json, markdown,
    html and text. The formats of other tools (sarif, junit, github) get what could not be read as
    a problem, which is how they say that something went wrong.
    """
    found = audit_pieces(audit, form, colour=colour, verbose=verbose, quiet=quiet, prices=prices)
    return "".join(found)


def audit_pieces(  # noqa: PLR0913 - what a command line passes on
    audit: Audit,
    form: Format,
    *,
    colour: bool = False,
    verbose: bool = False,
    quiet: bool = False,
    prices: PriceTable | None = None,
) -> Iterable[str]:
    """What ``render_audit`` prints, in pieces."""
    if form is Format.JSON:
        from karb_guard.reports import audit_json

        return audit_json.render(audit, prices)
    if form is Format.TEXT:
        from karb_guard.reports import audit_text

        return (audit_text.render(audit, prices, colour=colour, verbose=verbose, quiet=quiet),)
    if form is Format.CSV or form is Format.MARKDOWN or form is Format.HTML:
        return (_render_page(audit.report, audit, form, prices),)
    return pieces(with_missing(audit), form)


def with_missing(audit: Audit) -> Report:
    """The audit's report, with what could not be read among its problems."""
    unread = [
        Problem(missing.what, None, None, missing.reason, kind="unread")
        for missing in audit.missing
    ]
    return replace(audit.report, problems=[*audit.report.problems, *unread])


def _render_page(
    report: Report,
    audit: Audit | None,
    form: Literal[Format.CSV, Format.MARKDOWN, Format.HTML],
    prices: PriceTable | None,
) -> str:
    """The formats that have one form for both."""
    if form is Format.CSV:
        from karb_guard.reports import csv_report

        return csv_report.render(report, audit)
    if form is Format.MARKDOWN:
        from karb_guard.reports import markdown

        return markdown.render(report, audit, prices)
    if form is Format.HTML:
        from karb_guard.reports import html

        return html.render(report, audit, prices)
    assert_never(form)
