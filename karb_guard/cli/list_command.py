"""``karb-guard list``."""

from __future__ import annotations

import argparse
import json
import sys

from karb_guard.assembly import read_catalogue
from karb_guard.cli.common import add_policy_arguments, choices_of
from karb_guard.model.invariant import Invariant


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``list``."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="ids, short names or categories")
    parser.add_argument("--json", action="store_true", help="print the whole metadata as JSON")
    add_policy_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print the catalogue, sorted by id."""
    catalogue, _ = read_catalogue(choices_of(args))
    # Names as `select` checks them, but a list shows also what is only checked on request.
    catalogue.select(args.names)
    named = {i.id for token in args.names for i in catalogue.members(token)}
    chosen = tuple(i for i in catalogue if not args.names or i.id in named)
    text = _json(chosen) if args.json else _table(chosen)
    sys.stdout.write(text)
    return 0


def _json(invariants: tuple[Invariant, ...]) -> str:
    from karb_guard.invariants.compiled import dump

    return json.dumps(dump(invariants), indent=2, ensure_ascii=False) + "\n"


def _table(invariants: tuple[Invariant, ...]) -> str:
    rows = [("ID", "NAME", "SEVERITY", "TITLE")]
    rows += [(i.id, i.name, i.severity.value, i.title) for i in invariants]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join(lines) + "\n"
