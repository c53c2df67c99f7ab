"""Report formats: one file each, dispatched over a closed set."""

from __future__ import annotations

from enum import Enum
from typing import assert_never

from karb_guard.model.report import Report


class Format(str, Enum):
    """The formats of ``--format``."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"

    @property
    def is_data(self) -> bool:
        """For programs alone: without a coverage line that people read."""
        return self in {Format.JSON, Format.SARIF, Format.JUNIT}


def render(
    report: Report,
    form: Format,
    *,
    colour: bool = False,
    verbose: bool = False,
    quiet: bool = False,
) -> str:
    """Print ``report`` in one format; ``colour``, ``verbose`` and ``quiet`` are for text only.

    Formats are imported on first use: start-up matters.
    """
    if form is Format.TEXT:
        from karb_guard.reports import text

        return text.render(report, colour=colour, verbose=verbose, quiet=quiet)
    if form is Format.JSON:
        from karb_guard.reports import json_report

        return json_report.render(report)
    if form is Format.SARIF:
        from karb_guard.reports import sarif

        return sarif.render(report)
    if form is Format.JUNIT:
        from karb_guard.reports import junit

        return junit.render(report)
    if form is Format.GITHUB:
        from karb_guard.reports import github

        return github.render(report)
    assert_never(form)
