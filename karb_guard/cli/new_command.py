"""``karb-guard new``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from karb_guard.model.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``new``."""
    parser.add_argument("invariant", metavar="CATEGORY/NAME", help="such as gpu/gpu-my-rule")
    parser.add_argument(
        "--policies",
        metavar="DIR",
        default="policies",
        help="where the folder is made (default: policies)",
    )


def run(args: argparse.Namespace) -> int:
    """Write the folder and say what to do next."""
    from karb_guard.invariants import scaffold
    from karb_guard.invariants.roots import builtin_root
    from karb_guard.invariants.source import read, retired_ids

    root = Path(args.policies)
    if not root.is_dir():
        raise UsageError(
            f"--policies {root}: no such directory; make it, or stand in the checkout of karb-guard"
        )
    roots = [builtin_root(), root]
    made = scaffold.new(args.invariant, root, read(roots, may_be_empty=True), retired_ids(roots))
    sys.stdout.write(
        f"wrote {made}\n"
        "next: put the words into policy.rego's metadata, the rule below it, and cases into\n"
        f"fixtures/; then `karb-guard policy test {root}`\n"
    )
    return 0
