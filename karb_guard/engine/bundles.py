"""Finds the bundle that fits the policies, or compiles it: never one that is older than they."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

from karb_guard.engine.bundle import CompiledBundle, load_bundle
from karb_guard.engine.interface import EngineError
from karb_guard.engine.sources import Source, read_sources, source_hash
from karb_guard.engine.version import compiler_version
from karb_guard.invariants.roots import builtin_root
from karb_guard.toolchain.cache import cache_dir, locked, private_dir
from karb_guard.toolchain.pins import OPA_VERSION

SHIPPED_BUNDLE = Path(__file__).resolve().parent.parent / "_bundle"
"""Where the wheel's build hook puts the compiled bundle; a checkout has no such folder."""


def bundle_for(roots: Sequence[Path] = ()) -> CompiledBundle:
    """The bundle of karb-guard's own policies and those below ``roots`` (the user's own).

    The wheel's bundle when it fits, else one from the user's cache, else compiled into it, which
    needs ``opa`` (found or built, see ``toolchain``). Raises ``EngineError``, ``ToolchainError``
    or what the registry says about policies that it refuses.
    """
    own = builtin_root()
    everything = [own, *roots]
    sources = read_sources(everything)
    found = None if roots else _fitting(SHIPPED_BUNDLE, sources)
    return dataclasses.replace(
        found or _cached(everything, sources), rebuild=lambda: _mended(everything, sources)
    )


def _mended(roots: Sequence[Path], sources: Sequence[Source]) -> CompiledBundle:
    """The cache's bundle with a whole module: another process may have mended it already."""
    parent = _cache()
    directory = parent / _key(sources)
    with locked(parent / ".lock"):
        found = _fitting(directory, sources)
        return found if found is not None and found.whole() else _compile(roots, directory)


def _fitting(directory: Path, sources: Sequence[Source]) -> CompiledBundle | None:
    # Whoever edits policies of an installed wheel gets them: the shipped bundle no longer fits.
    if not directory.is_dir():
        return None
    try:
        bundle = load_bundle(directory)
    except EngineError:
        return None  # damaged or of another release: compile anew
    return bundle if _fits(bundle, sources) else None


def _fits(bundle: CompiledBundle, sources: Sequence[Source]) -> bool:
    catalogue = bundle.catalogue
    return (
        catalogue.source_hash == source_hash(sources)
        and catalogue.compiler == compiler_version()
        and catalogue.opa_version == OPA_VERSION
    )


def _cached(roots: Sequence[Path], sources: Sequence[Source]) -> CompiledBundle:
    parent = _cache()
    directory = parent / _key(sources)
    found = _fitting(directory, sources)
    if found is not None:
        return found
    with locked(parent / ".lock"):
        return _fitting(directory, sources) or _compile(roots, directory)


def _cache() -> Path:
    parent = private_dir(cache_dir() / "bundles")
    if parent is None:
        raise EngineError(
            f"the policies must be compiled, but {cache_dir() / 'bundles'} can't be made or others "
            "may write to it; set KARB_GUARD_CACHE to a directory of your own"
        )
    return parent


def _compile(roots: Sequence[Path], directory: Path) -> CompiledBundle:
    # Reading policies (YAML, JSON Schema) and compiling them is the rare path: start-up of a
    # command that finds its bundle doesn't pay for these imports.
    from karb_guard.engine.compiler import compile_policies
    from karb_guard.invariants.source import read

    return compile_policies(
        tuple(read(roots)), roots, directory, allow_host_builtins=len(roots) > 1
    )


def _key(sources: Sequence[Source]) -> str:
    text = f"{source_hash(sources)} {compiler_version()} {OPA_VERSION}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
