"""``karb-guard break-glass``: the emergency switch's way onto the command line."""

from __future__ import annotations

import argparse
from types import ModuleType

from karb_guard.cli.extras import needing_extra
from karb_guard.model.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``break-glass``."""
    try:
        _emergency().add_arguments(parser)
    except UsageError as error:
        parser.error(str(error))


def run(args: argparse.Namespace) -> int:
    """Switch on or off, or tell. Raises ``KarbGuardError`` for what can't be done."""
    code: int = _emergency().run(args)
    return code


def _emergency() -> ModuleType:
    return needing_extra("webhook.emergency")
