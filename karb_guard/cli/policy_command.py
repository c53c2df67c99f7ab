"""``karb-guard policy``: what authors of policies run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from karb_guard.model.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``policy``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, summary in (
        ("build", "compile karb-guard's policies and those of DIR, and say what they cost"),
        ("test", "check the metadata, format, types and tests of karb-guard's policies and DIR's"),
        ("format", "rewrite Rego files as opa fmt wants them"),
    ):
        action = actions.add_parser(name, help=summary, description=summary.capitalize() + ".")
        action.add_argument("directories", nargs="*", metavar="DIR", help="policies of your own")
    _add_bundle(actions)


def _add_bundle(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    summary = "write what an OPA server needs: the policies, and who may ask"
    action = actions.add_parser("bundle", help=summary, description=summary.capitalize() + ".")
    action.add_argument("directories", nargs="*", metavar="DIR", help="policies of your own")
    action.add_argument("--config", type=Path, metavar="FILE", help="adds its `policies`")
    action.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="gets server.tar.gz"
    )
    action.add_argument(
        "--token",
        action="store_true",
        help="also make a random token and authz.rego, which lets only its bearer ask",
    )


def run(args: argparse.Namespace) -> int:
    """Run one action; 2 with OPA's own words when the policies are refused."""
    own = [Path(directory) for directory in args.directories]
    for directory in own:
        if not directory.is_dir():
            raise UsageError(f"{directory}: no such directory; name a folder of policies")
    if args.action == "bundle":
        return _bundle(args, own)
    return {"build": _build, "test": _test, "format": _format}[args.action](own)


def _bundle(args: argparse.Namespace, own: list[Path]) -> int:
    from karb_guard.assembly.policies import compiled, roots_of
    from karb_guard.config.load import load
    from karb_guard.engine.opa_files import write_server_files

    config = load(args.config).config
    bundle = compiled(roots_of(config, [str(directory) for directory in own]))
    for file in write_server_files(bundle, args.output, args.token):
        sys.stdout.write(f"{file}\n")
    return 0


def _build(own: list[Path]) -> int:
    from karb_guard.engine.bundles import bundle_for

    bundle = bundle_for(own)
    catalogue = bundle.catalogue
    sys.stdout.write(f"{len(catalogue.invariants)} invariants compiled into {bundle.directory}\n")
    for call in catalogue.host_calls:
        sys.stdout.write(
            f"{call.source}:{call.line}: {call.builtin} leaves WebAssembly at each call, which "
            "costs up to milliseconds; yield the values and let the message template say them\n"
        )
    return 0


def _test(own: list[Path]) -> int:
    from karb_guard.engine.opa_command import run_opa
    from karb_guard.invariants.roots import builtin_root
    from karb_guard.invariants.source import read

    roots = [builtin_root(), *own]
    catalogue = read(roots)
    files = [str(root) for root in roots]
    unformatted = run_opa(["fmt", "--list", *files]).stdout.split()
    if unformatted:
        sys.stderr.write(
            "".join(
                f"{file}: not as opa fmt wants it; `karb-guard policy format`\n"
                for file in unformatted
            )
        )
        return 2
    run_opa(["check", "--strict", *_rego(roots)])
    tested = run_opa(["test", *_rego(roots)])
    sys.stdout.write(f"{len(catalogue)} invariants\n{tested.stdout}")
    return 0


def _format(own: list[Path]) -> int:
    from karb_guard.engine.opa_command import run_opa
    from karb_guard.invariants.roots import builtin_root

    run_opa(["fmt", "--write", *(str(root) for root in own or [builtin_root()])])
    return 0


def _rego(roots: list[Path]) -> list[str]:
    """The Rego files alone: opa would load fixtures and retired.yaml as data."""
    return [str(file) for root in roots for file in sorted(root.rglob("*.rego"))]
