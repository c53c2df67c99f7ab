"""An assembled guard as bytes, for a process of ours that shall judge by exactly the same.

What is handed over is what was read and checked, and the name of the compiled bundle, whose folder
is called by its content. So the other process needs none of the files it was made of: they may have
changed meanwhile, and what they say now may even be refused.
"""

from __future__ import annotations

import pickle
from pathlib import Path

from karb_guard.assembly.guard import Guard, engine_of
from karb_guard.config.load import Loaded
from karb_guard.engine.bundle import load_bundle
from karb_guard.evaluation import EvaluationSettings, Evaluator

_Parts = tuple[Loaded, Path, EvaluationSettings, tuple[Path, ...]]


def pack(guard: Guard) -> bytes:
    """``guard`` without its engine."""
    parts: _Parts = (guard.loaded, guard.bundle.directory, guard.evaluator.settings, guard.roots)
    return pickle.dumps(parts)


def unpack(data: bytes, *, resilient: bool = False) -> Guard:
    """The guard that ``pack`` was given, with an engine of its own.

    ``data`` must come from ``pack`` in a process that this one trusts as itself: its parent.
    Raises ``EngineError`` where the compiled bundle is gone or damaged.
    """
    parts: _Parts = pickle.loads(data)  # noqa: S301 - from our own parent, by an inherited socket
    loaded, directory, settings, roots = parts
    bundle = load_bundle(directory)
    engine = engine_of(loaded.config, bundle, resilient)
    catalogue = bundle.catalogue.invariants
    return Guard(loaded, catalogue, bundle, engine, Evaluator(engine, settings), roots)
