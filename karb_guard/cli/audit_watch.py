"""``karb-guard audit --watch``: what makes no sense with it, and how it runs and ends."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from karb_guard.cli.extras import needing_extra
from karb_guard.cli.outputs import wants_colour
from karb_guard.model.errors import UsageError
from karb_guard.model.finding import Severity
from karb_guard.reports import Format, changes, render_audit
from karb_guard.values.duration import ValueFormatError, parse_duration_ms

if TYPE_CHECKING:
    from audit.scan import Scanner, ScanOptions
    from audit.watching import Watching
    from karb_guard.model.audit import Audit
    from karb_guard.model.change import Change

FORMATS = (Format.TEXT, Format.JSON)
MAX_NAMESPACES = 20
"""Each has a watch of each kind."""
SHORTEST_RESYNC_SECONDS = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare ``--watch`` and ``--resync``."""
    watch = parser.add_argument_group("watch")
    watch.add_argument(
        "--watch",
        action="store_true",
        help="report once, then go on: one line for each finding that appears or goes, until "
        "SIGINT or SIGTERM; the exit code is that of the last state",
    )
    watch.add_argument(
        "--resync",
        metavar="TIME",
        help="with --watch: list everything anew so often, as in 30s, 10m, 1h (default: 10m)",
    )


def check(args: argparse.Namespace) -> None:
    """Raise ``UsageError`` for what can't be meant."""
    if not args.watch:
        if args.resync:
            raise UsageError("--resync is about a watch; add --watch")
        return
    for given, name, why in (
        (args.from_dump, "--from-dump", "an export does not change"),
        (args.write_back, "--write-back", "report objects would be written all the time"),
        (args.evidence, "--evidence", "evidence is counted scan by scan"),
        (args.prices, "--prices", "changes speak of no money"),
        (args.jobs, "--jobs", "one process follows and judges"),
    ):
        if given:
            raise UsageError(f"--watch and {name}: {why}; leave one of them out")
    _check_output(args)
    if len(set(args.namespace)) > MAX_NAMESPACES:
        raise UsageError(
            f"--watch takes at most {MAX_NAMESPACES} namespaces by name; leave out -n to watch all"
        )
    resync_seconds(args)


def _check_output(args: argparse.Namespace) -> None:
    outputs = args.outputs or [(Format.TEXT, None)]
    for form, file in outputs:
        if form not in FORMATS:
            raise UsageError(f"--watch prints text or json, not {form.value}: it never ends a page")
        if file is not None:
            raise UsageError("--watch prints to standard output: leave out --output, redirect it")
    if len(outputs) > 1:
        raise UsageError("--watch prints one --format")


def resync_seconds(args: argparse.Namespace) -> float:
    """``--resync`` in seconds. Raises ``UsageError``."""
    try:
        seconds = parse_duration_ms(args.resync or "10m") / 1000
    except ValueFormatError as error:
        raise UsageError(f"--resync {args.resync}: {error}") from error
    if seconds < SHORTEST_RESYNC_SECONDS:
        raise UsageError(
            f"--resync {args.resync}: at least {SHORTEST_RESYNC_SECONDS:g}s, every kind is listed"
        )
    return seconds


def run(args: argparse.Namespace, scanner: Scanner, options: ScanOptions, progress: Any) -> int:
    """Watch until a signal; the exit code of the last state."""
    client, name = needing_extra("audit.connecting", "audit").connected(
        args.kubeconfig, args.context, in_cluster=args.in_cluster
    )
    made = needing_extra("audit.watching", "audit").Watching
    watching: Watching = made(scanner, client, replace(options, cluster=name), resync_seconds(args))
    form = args.outputs[0][0] if args.outputs else Format.TEXT
    try:
        audit = watching.first(progress)
        with _signals(watching.ended.set):
            _first(args, form, audit)
            code = watching.follow(_teller(form))
        if not args.quiet:
            _last(watching)
    finally:
        watching.close()
    return 0 if code == 1 and args.exit_zero else code


def _first(args: argparse.Namespace, form: Format, audit: Audit) -> None:
    if form is Format.JSON:
        text = changes.first_line(audit)
    else:
        text = render_audit(
            audit, form, colour=wants_colour(), verbose=args.verbose, quiet=args.quiet
        )
    sys.stdout.write(text)
    sys.stdout.flush()
    if not args.quiet:
        print("karb-guard: watching; SIGINT (ctrl-c) or SIGTERM ends it", file=sys.stderr)


def _teller(form: Format) -> Callable[[Iterable[Change]], None]:
    colour = wants_colour()

    def tell(found: Iterable[Change]) -> None:
        for each in found:
            as_json = form is Format.JSON
            line = changes.json_line(each) if as_json else changes.text_line(each, colour=colour)
            sys.stdout.write(line)
        sys.stdout.flush()

    return tell


def _last(watching: Watching) -> None:
    counts = watching.counts()
    said = ", ".join(f"{counts[s]} {s.value}" for s in reversed(Severity))
    print(f"karb-guard: watch ended; open findings: {said}", file=sys.stderr)


@contextmanager
def _signals(end: Callable[[], None]) -> Iterator[None]:
    """SIGINT and SIGTERM end the watch; a second one ends the process."""

    def ended(number: int, _frame: object) -> None:
        signal.signal(number, before[signal.Signals(number)])
        end()

    before = {each: signal.signal(each, ended) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
