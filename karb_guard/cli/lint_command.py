"""``karb-guard lint``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from karb_guard.cli.common import add_selection_arguments, choices_of
from karb_guard.cli.render_arguments import add_render_arguments, render_options_of
from karb_guard.model.errors import UsageError
from karb_guard.reports import Format, render

if TYPE_CHECKING:
    from karb_guard.invariants.catalogue import Catalogue
    from karb_guard.model.report import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``lint``."""
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="files, directories, Helm charts (directories or archives), kustomizations, "
        "or - for standard input",
    )
    add_selection_arguments(parser)
    parser.add_argument(
        "--complete",
        action="store_true",
        default=None,
        help="the input holds everything of its namespaces: what is missing there is missing",
    )
    parser.add_argument(
        "--fail-on",
        choices=("error", "warning", "info"),
        help="exit 1 at findings of this severity or above (default: error)",
    )
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="GLOB",
        help="leave out files and directories that match; repeatable",
    )
    _add_baseline_arguments(parser)
    add_render_arguments(parser)
    _add_output_arguments(parser)


def _add_baseline_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--baseline",
        metavar="FILE",
        help="findings that FILE holds are known: they don't count; new ones do",
    )
    parser.add_argument(
        "--write-baseline",
        metavar="FILE",
        help="write what is found to FILE; with --baseline only what was known and is still there",
    )


def _add_output_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        action=_AddFormat,
        choices=[form.value for form in Format],
        dest="outputs",
        default=None,
        help="repeatable; each goes to the --output that follows it, else to standard output",
    )
    parser.add_argument(
        "--output", action=_SetOutput, metavar="FILE", dest="outputs", help="write there instead"
    )
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument(
        "--quiet", action="store_true", help="print only findings and what could not be read"
    )
    loudness.add_argument(
        "--verbose",
        action="store_true",
        help="print remedies, waived findings, and everything that was left out or undecided",
    )


def run(args: argparse.Namespace) -> int:
    """Lint and print; the exit code is the report's."""
    if not args.paths:
        raise UsageError("lint needs at least one PATH: a file, a directory, or - for stdin")
    from karb_guard.assembly import assemble
    from karb_guard.lint.runner import LintOptions, lint
    from karb_guard.model.finding import Severity
    from karb_guard.rendering import read_inputs

    rendering = render_options_of(args)

    with assemble(choices_of(args)) as guard:
        config = guard.config
        options = LintOptions(
            complete=config.complete if args.complete is None else args.complete,
            fail_on=Severity(args.fail_on) if args.fail_on else config.fail_on,
            waiver_days=config.waivers.max_days,
        )
        sources = read_inputs(args.paths, [*config.exclude, *args.exclude], rendering)
        report = lint(sources, guard.evaluator, guard.catalogue, options)
        report = _with_baseline(args, report, guard.catalogue)
        if args.verbose:
            print(f"karb-guard: configured by {guard.loaded.label}", file=sys.stderr)
    _write(args, report)
    return report.exit_code


def _with_baseline(args: argparse.Namespace, report: Report, catalogue: Catalogue) -> Report:
    if args.baseline is None and args.write_baseline is None:
        return report
    from karb_guard.lint.baseline import BaselineFiles, with_baseline

    files = BaselineFiles(args.baseline, args.write_baseline)
    if args.write_baseline is not None and report.problems:
        why = "not everything could be checked"
        print(f"karb-guard: {args.write_baseline} is not written: {why}", file=sys.stderr)
    return with_baseline(report, catalogue, files)


def _write(args: argparse.Namespace, report: Report) -> None:
    outputs = args.outputs or [(Format.TEXT, None)]
    for form, file in outputs:
        colour = file is None and _wants_colour()
        text = render(report, form, colour=colour, verbose=args.verbose, quiet=args.quiet)
        if file is None:
            sys.stdout.write(text)
        else:
            _write_file(file, text)
    if not args.quiet and all(file is not None or form.is_data for form, file in outputs):
        from karb_guard.reports.text import summary

        # Data has no line for people: the coverage is said beside it.
        print(f"karb-guard: {summary(report)}", file=sys.stderr)


def _write_file(file: str, text: str) -> None:
    try:
        # A lone surrogate (JSON may hold one) has no UTF-8; its escape is JSON again.
        Path(file).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(f"--output {file}: {error.strerror}; name a writable file") from error


def _wants_colour() -> bool:
    """Colour only on a terminal, and never against https://no-color.org."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


class _AddFormat(argparse.Action):
    """``--format F`` starts an output."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Add an output without a file."""
        outputs = list(getattr(namespace, self.dest) or [])
        setattr(namespace, self.dest, [*outputs, (Format(str(values)), None)])


class _SetOutput(argparse.Action):
    """``--output FILE`` belongs to the ``--format`` before it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Give the last output its file; a second file for it is refused."""
        outputs = list(getattr(namespace, self.dest) or [])
        if not outputs:
            outputs = [(Format.TEXT, None)]
        form, file = outputs[-1]
        if file is not None:
            parser.error(f"--output {values}: needs a --format of its own before it")
        setattr(namespace, self.dest, [*outputs[:-1], (form, str(values))])
