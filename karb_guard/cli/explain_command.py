"""``karb-guard explain``."""

from __future__ import annotations

import argparse
import sys

from karb_guard.assembly import add_policy_arguments, load_catalogue, policy_roots


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``explain``."""
    parser.add_argument("invariant", metavar="NAME", help="an id or a short name")
    add_policy_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print what the invariant checks, why, how to mend it, examples and references."""
    from karb_guard.invariants.explain import explain

    invariant = load_catalogue(args).get(args.invariant)
    sys.stdout.write(explain(invariant, policy_roots(args)))
    return 0
