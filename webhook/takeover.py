"""How a process that serves takes up another state: put together, then in force as a whole."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from karb_guard.assembly import Guard, assemble
from karb_guard.engine import resilient
from karb_guard.engine.interface import EngineError
from webhook.events import Poster
from webhook.loaded import Loaded
from webhook.loading import loaded_from
from webhook.metrics import Metrics
from webhook.reload import Assembled, Reloader, Told
from webhook.service import ReviewService
from webhook.setup import choices_of, own_pod

ENGINE_SECONDS = 15.0
"""How long a reload waits for an OPA server to have the same policies."""


class Current:
    """What is in force: read by the registration, replaced as a whole by a reload."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.service: ReviewService | None = None
        """What answers reviews, where this process does."""
        self.opa: resilient.ResilientEngine | None = None
        """The engine, where it is one that can go away."""

    def engine_missing(self) -> str | None:
        """Why nothing can be evaluated now, if so."""
        return None if self.opa is None else self.opa.missing

    def get(self) -> Loaded:
        """What reviews are judged by now."""
        return self.loaded

    def set(self, loaded: Loaded) -> None:
        """Put ``loaded`` in force, for the next review on."""
        self.loaded = loaded
        if self.service is not None:
            self.service.loaded = loaded


@dataclass(frozen=True, slots=True)
class Takeover:
    """What a process does with a new state."""

    prepare: Callable[[Guard, resilient.ResilientEngine | None], None]
    """With one that was put together, before it is in force; what it raises refuses the state."""
    swap: Callable[[Loaded], None]
    """Puts it in force."""
    engine_changed: Callable[[str], None]
    """Told what becomes of an engine that can go away."""


def reloader_of(
    args: argparse.Namespace, guard: Guard, metrics: Metrics, events: Poster, takeover: Takeover
) -> Reloader:
    """Follows the files of ``guard``; a state that can't be taken up is closed, not in force."""
    choices = choices_of(args, guard.loaded.file)

    def make() -> Assembled:
        new = assemble(choices)
        with closed_if_refused(new):
            loaded, opa = ready(new, args.namespace, takeover.engine_changed)
            takeover.prepare(new, opa)
        return new, loaded

    return Reloader(guard, make, takeover.swap, metrics, Told(events, own_pod(args)))


@contextlib.contextmanager
def closed_if_refused(guard: Guard) -> Iterator[None]:
    """Close the engine of ``guard`` where what is done inside fails."""
    try:
        yield
    except BaseException:
        guard.engine.close()
        raise


def ready(
    guard: Guard, namespace: str | None, engine_changed: Callable[[str], None]
) -> tuple[Loaded, resilient.ResilientEngine | None]:
    """What reviews are judged by under ``guard``, once its engine answers by the same policies.

    With the engine where it is one that can go away. Raises ``KarbGuardError``.
    """
    opa = resilient.begin(guard.engine, engine_changed)
    if opa is not None:
        _until_there(opa)
    return loaded_from(guard, namespace), opa


def _until_there(opa: resilient.ResilientEngine) -> None:
    """Wait for an OPA server that has the new policies. Raises ``EngineError`` after a while."""
    deadline = time.monotonic() + ENGINE_SECONDS
    while (missing := opa.missing) is not None:
        if time.monotonic() > deadline:
            raise EngineError(f"the engine can't evaluate the new policies: {missing}")
        time.sleep(0.1)
