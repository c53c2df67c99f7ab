"""``karb-guard webhook serve``: the admission application's way onto the command line."""

from __future__ import annotations

import argparse
from types import ModuleType

from karb_guard.cli.extras import needing_extra
from karb_guard.model.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``webhook``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    summary = "AdmissionReviews of an API server are answered over TLS, until SIGTERM or SIGINT"
    serve = actions.add_parser("serve", help=summary, description=f"{summary}.")
    try:
        _server().add_arguments(serve)
    except UsageError as error:
        parser.error(str(error))


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT. Raises ``KarbGuardError`` for what can't be started."""
    code: int = _server().run(args)
    return code


def _server() -> ModuleType:
    return needing_extra("webhook.server")
