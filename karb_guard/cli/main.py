"""The console script: parses the command line and hands over to one module a command.

Command modules are imported only when their command runs, and import what they need only then:
``karb-guard --version`` and a one-file lint are typed by hand and run in pre-commit hooks.
"""

from __future__ import annotations

import argparse
import errno
import gc
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from karb_guard import __version__
from karb_guard.model.errors import KarbGuardError

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
COLLECTOR = (200_000, 50, 100)
"""Objects that are made before the collector looks at the youngest, and rounds for the older."""
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_COMMANDS = {
    "lint": "check manifests before they are applied",
    "audit": "scan what already runs in a cluster",
    "list": "list the catalogue of invariants",
    "explain": "say what an invariant checks, why, and how to mend what it finds",
    "new": "scaffold an invariant: policy, test and fixtures",
    "policy": "build and test policies with the pinned opa",
    "autoscaling": "explain what scales a workload, and what it would do",
    "mutate": "show what the admission webhook would fill in when Pods are created",
    "webhook": "serve the admission webhook",
    "rollout": "move invariants from audit over warn to enforce, on evidence",
    "break-glass": "for a bounded time, let the webhook deny nothing",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Exit codes: 0 clean, 1 findings, 2 usage, input or internal error."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    alone = argv is None and "webhook" not in arguments
    if alone:
        # A start makes a hundred thousand objects that stay: to look through them after every 700
        # is a twentieth of a linter's time. The webhook does its own (``webhook.server``).
        gc.set_threshold(*COLLECTOR)
    _print_anything()
    parser = _parser(arguments)
    if not arguments:
        parser.print_help(sys.stderr)
        return EXIT_ERROR
    args = parser.parse_args(arguments)
    try:
        return _guarded(args.run, args)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    finally:
        if alone:
            gc.freeze()  # what is left ends with the process


def _print_anything() -> None:
    """Print escapes for what the terminal can't show; manifests hold any character."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="karb-guard",
        description="Policy as code for AI inference on Kubernetes.",
        epilog="Exit codes: 0 clean; 1 findings at or above --fail-on; "
        "2 bad usage, unreadable input or an internal error.",
    )
    parser.add_argument("--version", action="version", version=f"karb-guard {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    wanted = next((a for a in arguments if a in _COMMANDS), None)
    for name, summary in _COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary.capitalize() + ".")
        if name == wanted:
            module = import_module(f"karb_guard.cli.{name.replace('-', '_')}_command")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


def _guarded(run: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """Errors that people can mend become one message; only our own mistakes show a trace."""
    try:
        return _said(run, args)
    except BrokenPipeError:
        _drop_output()  # the reader went away: `karb-guard list | head`
        return EXIT_ERROR
    except Exception as error:
        if os.environ.get("KARB_GUARD_TRACE"):
            raise
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            _drop_output()
            print(
                f"karb-guard: the output can't be written: {error.strerror}; make room where "
                "standard output and temporary files go",
                file=sys.stderr,
            )
            return EXIT_ERROR
        name = type(error).__name__
        print(
            f"karb-guard: internal error: {name}: {error}\n"
            "This is a mistake of karb-guard, not yours. Run again with KARB_GUARD_TRACE=1 and "
            "report what it prints.",
            file=sys.stderr,
        )
        return EXIT_ERROR


def _said(run: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    try:
        code = run(args)
    except KarbGuardError as error:
        sys.stdout.flush()
        print(f"karb-guard: {error}", file=sys.stderr)
        return EXIT_ERROR
    sys.stdout.flush()
    return code


def _drop_output() -> None:
    """Point stdout at nothing, so that the interpreter's own flush at exit stays silent."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
