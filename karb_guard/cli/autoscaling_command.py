"""``karb-guard autoscaling explain``: the effective autoscaler of a workload."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

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
        "paths", nargs="*", metavar="PATH", help="files or directories of manifests; - for stdin"
    )
    explain.add_argument("--format", choices=("text", "json"), default="text")


def run(args: argparse.Namespace) -> int:
    """Print; exit code 2 where the workload or its autoscaler is not found."""
    from karb_guard.cli.autoscaling_text import as_json, as_text
    from karb_guard.evaluation.autoscaling.find import find
    from karb_guard.facts.settings import FactSettings

    if not args.paths:
        raise UsageError("autoscaling explain needs a PATH: a file, a directory, or - for stdin")
    found = find(args.workload, _read(args.paths), FactSettings())
    if args.format == "json":
        sys.stdout.write(json.dumps(as_json(found), indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(as_text(found))
    return 0


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
