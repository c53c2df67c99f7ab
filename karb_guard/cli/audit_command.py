"""``karb-guard audit``: scan what already runs in a cluster, or an export of one."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from karb_guard.cli import audit_watch
from karb_guard.cli.common import (
    add_cluster_arguments,
    add_selection_arguments,
    check_cluster_arguments,
    choices_of,
)
from karb_guard.cli.extras import needing_extra
from karb_guard.cli.outputs import add_output_arguments, wants_colour, write
from karb_guard.model.errors import UsageError
from karb_guard.reports import Format, audit_pieces
from karb_guard.reports.prices import read_prices

if TYPE_CHECKING:
    from audit.evidence.store import EvidenceStore
    from audit.scan import Scanner, ScanOptions
    from karb_guard.assembly import Guard
    from karb_guard.model.audit import Audit
    from karb_guard.reports.prices import PriceTable

_SEVERITIES = ("error", "warning", "info")
DEFAULT_JOBS = 4
MAX_JOBS = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``audit``."""
    _add_where(parser.add_argument_group("where"))
    _add_what(parser.add_argument_group("what"))
    add_selection_arguments(parser)
    parser.add_argument(
        "--fail-on",
        choices=_SEVERITIES,
        help="exit 1 at findings of this severity or above (default: error)",
    )
    parser.add_argument(
        "--exit-zero",
        action="store_true",
        help="exit 0 with findings too: for a job whose failure means that it could not look",
    )
    parser.add_argument(
        "--prices",
        metavar="FILE",
        help="what an hour of a GPU costs, for reports that speak of money",
    )
    parser.add_argument(
        "--evidence",
        metavar="URL",
        help="a database that keeps the counts of this scan and shows those of earlier ones: "
        "sqlite:///evidence.db or postgresql://...",
    )
    parser.add_argument(
        "--write-back",
        choices=("openreports", "wgpolicy"),
        help="also write what is found into the cluster, as report objects of openreports.io or "
        "wgpolicyk8s.io",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="at most so many processes judge a large cluster at the same time (default: "
        f"{DEFAULT_JOBS}; never more than there are CPUs; 1 takes the least memory)",
    )
    audit_watch.add_arguments(parser)
    add_output_arguments(parser, Format)


def _add_where(where: argparse._ArgumentGroup) -> None:
    add_cluster_arguments(where)
    where.add_argument(
        "--from-dump",
        action="append",
        default=[],
        metavar="PATH",
        help="an export instead: files of `kubectl get -o json`, or a must-gather; repeatable",
    )
    where.add_argument(
        "--complete",
        action="store_true",
        help="the dump holds everything: a kind that is missing there does not exist",
    )


def _add_what(what: argparse._ArgumentGroup) -> None:
    what.add_argument(
        "-n",
        "--namespace",
        action="append",
        default=[],
        metavar="NS",
        help="only this namespace; repeatable (default: all, and what is in none)",
    )
    what.add_argument(
        "--kind",
        action="append",
        default=[],
        metavar="KIND",
        help="only this kind, as in Deployment or apps/Deployment; repeatable",
    )
    what.add_argument(
        "--severity", choices=_SEVERITIES, help="only invariants that are at least so severe"
    )


def run(args: argparse.Namespace) -> int:
    """Scan and print; the exit code is the audit's."""
    _check(args)
    from karb_guard.assembly import assemble

    with assemble(choices_of(args)) as guard:
        # Before the scan, which takes a while: a mistake in it is said at once.
        prices = read_prices(args.prices) if args.prices else None
        # What is loaded now stays; without looking at it again and again a scan is a tenth faster.
        gc.freeze()
        if args.watch:
            return audit_watch.run(args, *_scanning(args, guard), _progress(args))
        with _evidence(args) as evidence:
            audit = _scan(args, guard)
            audit, recorded = _recorded(args, audit, evidence)
        if args.verbose:
            print(f"karb-guard: configured by {guard.loaded.label}", file=sys.stderr)
    _write(args, audit, prices)
    written = _written_back(args, audit)
    code = 0 if audit.exit_code == 1 and args.exit_zero else audit.exit_code
    return code if written and recorded else 2


def _check(args: argparse.Namespace) -> None:
    audit_watch.check(args)
    if args.from_dump and (args.kubeconfig or args.context or args.in_cluster):
        raise UsageError("--from-dump reads files: leave out --kubeconfig, --context, --in-cluster")
    check_cluster_arguments(args)
    if args.jobs is not None and not 1 <= args.jobs <= MAX_JOBS:
        raise UsageError(f"--jobs is {args.jobs}; give a number from 1 to {MAX_JOBS}")
    if args.evidence is not None and not args.evidence.strip():
        raise UsageError("--evidence names no database, such as sqlite:///evidence.db")
    if args.evidence and (args.kind or args.severity):
        raise UsageError("--evidence counts whole namespaces: leave out --kind and --severity")
    if args.write_back and args.from_dump:
        raise UsageError("--write-back needs a living cluster: leave out --from-dump")
    if args.write_back and (args.kind or args.severity):
        raise UsageError("--write-back is about whole namespaces: leave out --kind and --severity")
    if args.write_back and (args.select or args.ignore):
        raise UsageError(
            "--write-back is about all invariants, results of those that are left out would be "
            "deleted: leave out --select and --ignore, or choose in the configuration"
        )
    if args.complete and not args.from_dump:
        raise UsageError("--complete is about a dump; a living cluster says itself what it has")


def _scanning(args: argparse.Namespace, guard: Guard) -> tuple[Scanner, ScanOptions]:
    """What judges, and what it is told besides."""
    from audit.scan import Scanner, ScanOptions, of_severity
    from audit.sharing import usable_cpus
    from karb_guard.model.finding import Severity

    config = guard.config
    least = Severity(args.severity) if args.severity else None
    settings = of_severity(guard.evaluator.settings, least)
    scanner = Scanner(guard.engine, settings, guard.catalogue, guard.loaded)
    options = ScanOptions(
        namespaces=args.namespace,
        kinds=args.kind,
        fail_on=Severity(args.fail_on) if args.fail_on else config.fail_on,
        waiver_days=config.waivers.max_days,
        # More than there are CPUs would only keep one another from meeting a policy's deadline.
        jobs=min(args.jobs or DEFAULT_JOBS, usable_cpus()),
    )
    return scanner, options


def _scan(args: argparse.Namespace, guard: Guard) -> Audit:
    scanner, options = _scanning(args, guard)
    progress = _progress(args)
    cluster, source = _source(args, progress)
    return scanner.scan(source, replace(options, cluster=cluster), progress)


def _evidence(args: argparse.Namespace) -> AbstractContextManager[EvidenceStore | None]:
    """The database, opened before the scan, which takes a while. Raises ``EvidenceError``."""
    if args.evidence is None:
        return nullcontext()
    opened: EvidenceStore = needing_extra("audit.evidence.store", "evidence").EvidenceStore(
        args.evidence
    )
    return opened


def _recorded(
    args: argparse.Namespace, audit: Audit, store: EvidenceStore | None
) -> tuple[Audit, bool]:
    """The audit with what earlier scans of the cluster counted, and whether its own are kept.

    Trouble with the database is said, and the report is printed without a trend.
    """
    if store is None:
        return audit, True
    from audit.evidence.errors import EvidenceError
    from karb_guard.rollout.evidence import of_audit

    counted = of_audit(audit, export=bool(args.from_dump))
    try:
        store.record(counted)
        trend = tuple(store.trend(counted.cluster, audit.started))
    except EvidenceError as error:
        print(f"karb-guard: no evidence kept: {error}", file=sys.stderr)
        return audit, False
    return replace(audit, trend=trend), True


def _source(args: argparse.Namespace, progress: Any) -> tuple[str, Callable[[Any], Any]]:
    """What the cluster is called, and what makes a source for a plan."""
    if args.from_dump:
        from audit.dump import Dump

        name = ", ".join(args.from_dump)
        return name, lambda plan: Dump(args.from_dump, plan, args.complete, progress)
    live = needing_extra("audit.live", "audit")
    paging = needing_extra("karb_guard.cluster.paging", "audit")
    client, name = needing_extra("audit.connecting", "audit").connected(
        args.kubeconfig, args.context, in_cluster=args.in_cluster
    )
    pager = paging.Pager(client)
    return name, lambda plan: live.LiveCluster(pager, plan, args.namespace, progress)


def _progress(args: argparse.Namespace) -> Any:
    from audit.progress import Bar, Progress

    dumb = os.environ.get("TERM") == "dumb"
    return Bar() if sys.stderr.isatty() and not args.quiet and not dumb else Progress()


def _written_back(args: argparse.Namespace, audit: Audit) -> bool:
    """Whether all report objects that were asked for are written; says what became of them."""
    if args.write_back is None:
        return True
    from karb_guard.reports.policy_report import APIS

    write_back = needing_extra("audit.write_back", "audit")
    client, _ = needing_extra("audit.connecting", "audit").connected(
        args.kubeconfig, args.context, in_cluster=args.in_cluster
    )
    done = write_back.Writer(client, APIS[args.write_back]).write(audit)
    for failed in done.failed:
        print(f"karb-guard: not written: {failed}", file=sys.stderr)
    if not args.quiet:
        print(f"karb-guard: {done.line()}", file=sys.stderr)
    return not done.failed


def _write(args: argparse.Namespace, audit: Audit, prices: PriceTable | None) -> None:
    outputs = args.outputs or [(Format.TEXT, None)]
    for form, file in outputs:
        pieces = audit_pieces(
            audit,
            form,
            colour=file is None and wants_colour(),
            verbose=args.verbose,
            quiet=args.quiet,
            prices=prices,
        )
        write(pieces, file)
    if not args.quiet and all(file is not None or form.is_data for form, file in outputs):
        from karb_guard.reports.audit_text import coverage
        from karb_guard.reports.text import summary

        print(f"karb-guard: {coverage(audit)}: {summary(audit.report)}", file=sys.stderr)
