"""``karb-guard webhook``: the admission application's way onto the command line."""

from __future__ import annotations

import argparse
from types import ModuleType

from karb_guard.cli.extras import needing_extra
from karb_guard.model.errors import UsageError

_ACTIONS = {
    "serve": (
        "webhook.server",
        "AdmissionReviews of an API server are answered over TLS, until SIGTERM or SIGINT",
    ),
    "unregister": (
        "webhook.uninstall",
        "the webhook configurations are deleted and kept away; run before an uninstall",
    ),
    "test": (
        "webhook.selftest",
        "a Pod without a memory limit is offered to an API server: karb-guard has to say so",
    ),
}
"""Action -> the module that does it, and its summary."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``webhook``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, (_, summary) in _ACTIONS.items():
        action = actions.add_parser(name, help=summary, description=f"{summary}.")
        try:
            _module(name).add_arguments(action)
        except UsageError as error:
            parser.error(str(error))


def run(args: argparse.Namespace) -> int:
    """Run one action. Raises ``KarbGuardError`` for what can't be done."""
    code: int = _module(args.action).run(args)
    return code


def _module(action: str) -> ModuleType:
    return needing_extra(_ACTIONS[action][0])
