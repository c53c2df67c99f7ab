"""The policies that are in force: which roots, and the bundle compiled from them. No engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from karb_guard.assembly.folders import check_folders
from karb_guard.config.load import load
from karb_guard.config.settings import Config
from karb_guard.engine.bundle import CompiledBundle
from karb_guard.engine.bundles import SHIPPED_BUNDLE, bundle_for
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.invariants.roots import builtin_root


@dataclass(frozen=True, slots=True)
class Choices:
    """What a command line adds to the configuration."""

    config_file: Path | None = None
    policies: Sequence[str] = ()
    """Further policy roots."""
    profile: str | None = None
    """Replaces the configuration's ``profile``."""
    select: Sequence[str] = ()
    """Replaces the configuration's ``select`` where it is not empty."""
    extend_select: Sequence[str] = ()
    """Added to the configuration's ``extendSelect``."""
    ignore: Sequence[str] = ()
    set_params: Sequence[str] = field(default_factory=tuple)
    """``NAME.PARAM=VALUE``."""
    resilient: bool = False
    """An OPA server may go away and come back: for processes that go on."""


def roots_of(config: Config, extra: Sequence[str] = ()) -> list[Path]:
    """The user's policy roots: the configuration's, then those of the command line."""
    return [Path(folder) for folder in (*config.policies, *extra)]


def read_catalogue(choices: Choices) -> tuple[Catalogue, list[Path]]:
    """The catalogue and all policy roots, karb-guard's own first; no engine."""
    roots = roots_of(load(choices.config_file).config, choices.policies)
    return compiled(roots).catalogue.invariants, [builtin_root(), *roots]


def compiled(roots: Sequence[Path]) -> CompiledBundle:
    """The bundle of karb-guard's own policies and those below ``roots``, whose folders are whole.

    Raises a ``KarbGuardError`` that names the folder, the file and the remedy.
    """
    bundle = bundle_for(roots)
    if bundle.directory != SHIPPED_BUNDLE:
        check_folders([builtin_root(), *roots], bundle.catalogue.invariants, cache=bundle.directory)
    return bundle
