"""``karb-guard explain``."""

from __future__ import annotations

import argparse
import sys

from karb_guard.assembly import read_catalogue
from karb_guard.cli.common import add_policy_arguments, choices_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``explain``."""
    parser.add_argument("invariant", metavar="NAME", help="an id or a short name")
    add_policy_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print what the invariant checks, why, how to mend it, examples and references."""
    from karb_guard.invariants.explain import explain

    catalogue, roots = read_catalogue(choices_of(args))
    sys.stdout.write(explain(catalogue.get(args.invariant), roots))
    return 0
