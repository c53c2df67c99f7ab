"""What workers are fed, and the difference between it and what one of them has.

Nobody queues changes: whoever feeds a worker compares what is there now with what it sent last. So
a worker that is slow, or new, costs no memory, and gets the newest state as soon as it reads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from webhook.tls import Material
from webhook.workers.messages import Away, BreakGlass, Certificate, Items, Key, Known, Order

BATCH = 500
"""Objects of one message: labels take some hundred bytes, a waiver some thousand."""
MAX_BATCH_WEIGHT = 1 << 20
"""About so many characters of objects in one message."""

Source = Callable[[], Mapping[Any, Any]]


class State:
    """The newest state, by name. What reads it never waits; ``ring`` wakes whoever feeds."""

    def __init__(self) -> None:
        self.collections: dict[str, Source] = {}
        """Name -> gives the map as it is now. Values are replaced, never changed."""
        self.known: Callable[[], Mapping[str, bool]] = dict
        """Name -> whether it is what the cluster has."""
        self.material: Callable[[], Material | None] = lambda: None
        self.broken: Callable[[], Mapping[str, Any] | None] = lambda: None
        self.away: Callable[[], bool] = lambda: False
        self._lock = threading.Lock()
        self._bells: set[threading.Event] = set()
        self._turns: dict[str, int] = {}

    def changed(self, collection: str) -> None:
        """Something of a collection is new; may be called from any thread, often."""
        with self._lock:
            self._turns[collection] = self._turns.get(collection, 0) + 1
        self.ring()

    def ring(self) -> None:
        """Wake all that feed."""
        with self._lock:
            bells = list(self._bells)
        for bell in bells:
            bell.set()

    def listen(self, bell: threading.Event) -> None:
        """Have ``bell`` set at changes."""
        with self._lock:
            self._bells.add(bell)

    def leave(self, bell: threading.Event) -> None:
        """No longer."""
        with self._lock:
            self._bells.discard(bell)

    def turn(self, collection: str) -> int:
        """Grows with each change."""
        return self._turns.get(collection, 0)


class Sent:
    """What one worker has. Use from one thread."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._turns: dict[str, int] = {}
        self._items: dict[str, dict[Key, Any]] = {name: {} for name in state.collections}
        self._known: Mapping[str, bool] = {}
        self._material: Material | None = None
        self._broken: Mapping[str, Any] | None = None
        self._away = False

    def news(self) -> Iterator[Order]:
        """What the worker lacks; counts as sent once the next one is asked for."""
        yield from self._values()
        # Looked at before the items: what is known by now is among them.
        known = self._state.known()
        for name, source in self._state.collections.items():
            turn = self._state.turn(name)
            if self._turns.get(name) == turn:
                continue
            # Noted before it is read: what changes meanwhile has a later turn.
            yield from self._differences(name, dict(source()))
            self._turns[name] = turn
        if known != self._known:
            yield Known(known)
            self._known = known

    def _values(self) -> Iterator[Order]:
        material = self._state.material()
        if material is not None and material != self._material:
            yield Certificate(material)
            self._material = material
        broken = self._state.broken()
        if broken != self._broken:
            yield BreakGlass(broken)
            self._broken = broken
        away = self._state.away()
        if away != self._away:
            yield Away(away)
            self._away = away

    def _differences(self, name: str, now: Mapping[Key, Any]) -> Iterator[Order]:
        before = self._items[name]
        gone = [key for key in before if key not in now]
        changed: dict[Key, Any] = {}
        weight = 0
        for key, value in now.items():
            known = before.get(key)
            if key in before and (known is value or known == value):
                continue
            changed[key] = value
            weight += _weight(value)
            if len(changed) >= BATCH or weight >= MAX_BATCH_WEIGHT:
                yield Items(name, changed)
                changed, weight = {}, 0
        for start in range(0, len(gone), BATCH):
            yield Items(name, {}, gone[start : start + BATCH])
        if changed:
            yield Items(name, changed)
        self._items[name] = dict(now)


def _weight(value: Any) -> int:
    """About how many characters a value of plain data has."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(len(str(key)) + _weight(each) for key, each in value.items())
    if isinstance(value, list | tuple):
        return sum(map(_weight, value))
    return 8
