"""``karb-guard autoscaling explain``: the effective autoscaler of a workload."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from karb_guard.cli.common import add_cluster_arguments, check_cluster_arguments
from karb_guard.cli.extras import needing_extra
from karb_guard.model.errors import UsageError

if TYPE_CHECKING:
    from karb_guard.inventory import Inventory


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare ``explain`` and its arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    explain = actions.add_parser(
        "explain",
        help="print the effective autoscaler of a workload",
        description="Print what scales a workload: its bounds, signals, windows and rates, and "
        "what it would do at 0, at 1 and at its maximum of replicas.",
    )
    explain.add_argument(
        "workload", metavar="WORKLOAD", help="kind/name or namespace/kind/name: deployment/llm"
    )
    explain.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="files or directories of manifests, - for stdin; without any, a cluster is read",
    )
    where = explain.add_argument_group("where, without PATHs")
    add_cluster_arguments(where)
    where.add_argument(
        "-n", "--namespace", metavar="NS", help="the workload's namespace (default: any)"
    )
    explain.add_argument("--format", choices=("text", "json"), default="text")


def run(args: argparse.Namespace) -> int:
    """Print; exit code 2 where the workload or its autoscaler is not found, or can't be read."""
    from karb_guard.cli.autoscaling_text import as_json, as_text
    from karb_guard.evaluation.autoscaling.find import find
    from karb_guard.facts.settings import FactSettings

    named = _named(args)
    inventory, whole = (_read(args.paths), True) if args.paths else _read_live(args, named)
    found = find(named, inventory, FactSettings())
    if args.format == "json":
        sys.stdout.write(json.dumps(as_json(found), indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(as_text(found))
    return 0 if whole else 2


def _named(args: argparse.Namespace) -> str:
    """The workload, with its namespace where that is given. Raises ``UsageError``."""
    from karb_guard.evaluation.autoscaling.find import read_name

    if args.paths and (args.kubeconfig or args.context or args.in_cluster):
        raise UsageError("PATHs are read instead of a cluster: leave out one of them")
    check_cluster_arguments(args)
    named = read_name(args.workload)
    if not args.namespace:
        return str(args.workload)
    if named.namespace not in (None, args.namespace):
        raise UsageError(f"{args.workload} is not in namespace {args.namespace}: leave out -n")
    return "/".join((args.namespace, *args.workload.split("/")[-2:]))


def _read_live(args: argparse.Namespace, named: str) -> tuple[Inventory, bool]:
    """What a cluster has of it, and whether that is all; what is not read is said on stderr."""
    workload = needing_extra("audit.workload", "audit")
    paging = needing_extra("karb_guard.cluster.paging", "audit")
    client, _ = needing_extra("audit.connecting", "audit").connected(
        args.kubeconfig, args.context, in_cluster=args.in_cluster
    )
    read = workload.read_workload(paging.Pager(client), named)
    for gap in read.gaps:
        print(f"karb-guard: not read: {gap}", file=sys.stderr)
    return read.inventory, not read.gaps


def _read(paths: list[str]) -> Inventory:
    """Everything that could be read; what could not is said on stderr."""
    from karb_guard.inventory import Inventory
    from karb_guard.manifests import parse_source
    from karb_guard.rendering import read_inputs

    inventory = Inventory()
    for source in read_inputs(paths):
        parsed = parse_source(source)
        for problem in parsed.problems:
            where = f"{source.name}:{problem.line}"
            print(f"karb-guard: {where}: {problem.message}", file=sys.stderr)
        for document in parsed.documents:
            inventory.add(document.object)
    return inventory
