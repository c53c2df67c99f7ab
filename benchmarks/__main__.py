"""``make bench``: policies, engine, lint and webhook here, printed as Markdown tables."""

from __future__ import annotations

import argparse
import os
import platform
import sys

from benchmarks import costs, engines, lint_tree, webhook_load


def main() -> int:
    """Run the parts that were asked for, all by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parts = {
        "costs": costs.run,
        "engines": engines.run,
        "lint": lint_tree.run,
        "webhook": webhook_load.run,
    }
    parser.add_argument("parts", nargs="*", choices=[*parts, []], help="default: all")
    args = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    for name in args.parts or parts:
        print(f"## {name}\n")
        print(parts[name](), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
