"""``karb-guard lint``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from karb_guard.cli.common import add_selection_arguments, choices_of
from karb_guard.cli.outputs import add_output_arguments, wants_colour, write
from karb_guard.cli.render_arguments import add_render_arguments, render_options_of
from karb_guard.model.errors import UsageError
from karb_guard.reports import Format, pieces

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
    add_output_arguments(parser, Format)


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
        colour = file is None and wants_colour()
        write(pieces(report, form, colour=colour, verbose=args.verbose, quiet=args.quiet), file)
    if not args.quiet and all(file is not None or form.is_data for form, file in outputs):
        from karb_guard.reports.text import summary

        # Data has no line for people: the coverage is said beside it.
        print(f"karb-guard: {summary(report)}", file=sys.stderr)
