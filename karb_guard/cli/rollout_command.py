"""``karb-guard rollout``: staged rollouts' way onto the command line."""

from __future__ import annotations

import argparse
from types import ModuleType

from karb_guard.cli.extras import needing_extra
from karb_guard.model.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``rollout``."""
    try:
        _rollout().add_arguments(parser)
    except UsageError as error:
        parser.error(str(error))


def run(args: argparse.Namespace) -> int:
    """Run one action. Raises ``KarbGuardError`` for what can't be done."""
    code: int = _rollout().run(args)
    return code


def _rollout() -> ModuleType:
    return needing_extra("audit.rollout")
