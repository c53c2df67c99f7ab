"""An OPA server that may go away: a circuit breaker, and another engine in its place.

Reviews are evaluated on the event loop, so that a server which hangs would hold all of them. After
``FAILURES`` failures in a row nothing is sent to it any more; a thread asks it, off the loop, until
it answers with our policies again. Meanwhile the fallback judges (the same bundle, embedded), or,
without one, nothing is evaluated, which is never an allow.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from karb_guard.engine.interface import Answer, Engine, EngineError, NotEvaluated

FAILURES = 3
FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 2.0
AWAY = frozenset({"unavailable", "deadline"})
"""Causes that say something about the server, not about the object."""


class Server(Engine, Protocol):
    """An engine that can be asked whether it is there."""

    def check(self) -> None:
        """Raise ``EngineError`` unless the server answers with this bundle's policies."""
        ...


class ResilientEngine:
    """``server`` while it answers; else ``fallback``, or no verdict. Safe to use from threads."""

    def __init__(self, server: Server, fallback: Engine | None) -> None:
        """Both are closed with this engine."""
        self.name = server.name
        self.may_fork = False
        self.observe: Callable[[str], None] = lambda _: None
        """Told ``away``, ``back``, ``fallback`` and ``refused`` as they happen."""
        self._server = server
        self._fallback = fallback
        self._lock = threading.Lock()
        self._failures = 0
        self._problem: str | None = None
        self._closing = threading.Event()

    @property
    def away(self) -> str | None:
        """Why nothing is sent to the server now; ``None`` while all is well."""
        return self._problem

    @property
    def missing(self) -> str | None:
        """Why nothing can be evaluated now; ``None`` while the server or a fallback can."""
        return self._problem if self._fallback is None else None

    def begin(self) -> None:
        """Send nothing to the server before it has answered a first time, asked by a thread."""
        self._open("OPA has not answered yet")

    def evaluate(
        self,
        group: str,
        params: Mapping[str, Mapping[str, Any]],
        inputs: Sequence[Mapping[str, Any]],
    ) -> list[Answer]:
        """See ``Engine``."""
        return [self._judge(group, params, document) for document in inputs]

    def close(self) -> None:
        """Stop asking and close both engines."""
        self._closing.set()
        self._server.close()
        if self._fallback is not None:
            self._fallback.close()

    def _judge(
        self, group: str, params: Mapping[str, Mapping[str, Any]], document: Mapping[str, Any]
    ) -> Answer:
        problem = self._problem
        answer: Answer
        if problem is not None:
            answer = NotEvaluated("unavailable", problem)
            self.observe("refused")
        else:
            (answer,) = self._server.evaluate(group, params, [document])
            if not isinstance(answer, NotEvaluated) or answer.cause not in AWAY:
                self._failures = 0
                return answer
            self._failed(answer.reason)
        if self._fallback is None:
            return answer
        self.observe("fallback")
        (judged,) = self._fallback.evaluate(group, params, [document])
        return judged

    def _failed(self, reason: str) -> None:
        with self._lock:
            self._failures += 1
            many = self._failures >= FAILURES
        if many:
            self._open(reason)

    def _open(self, reason: str) -> None:
        with self._lock:
            if self._problem is not None or self._closing.is_set():
                return
            self._problem = reason
        self.observe("away")
        threading.Thread(target=self._ask, name="opa", daemon=True).start()

    def _ask(self) -> None:
        """Ask until the server is back."""
        wait = FIRST_WAIT_SECONDS
        while not self._closing.is_set():
            try:
                self._server.check()
            except EngineError as error:
                self._problem = str(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, the server isn't back
                self._problem = f"OPA can't be asked: {error}"
            else:
                self._failures = 0
                self._problem = None
                self.observe("back")
                return
            self._closing.wait(wait * random.uniform(0.8, 1.2))  # noqa: S311 - spreads replicas
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)


def begin(engine: Engine, observe: Callable[[str], None]) -> ResilientEngine | None:
    """Watch ``engine`` where it can go away: ``observe`` is told; ``None`` where it can't."""
    if not isinstance(engine, ResilientEngine):
        return None
    engine.observe = observe
    engine.begin()
    return engine
