"""Whether break-glass is on, as the process sees it: a watched ConfigMap, read once a change."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Mapping
from typing import Any

from karb_guard.cluster.client import ClusterClient, segment
from karb_guard.cluster.reflector import Reflector
from karb_guard.decisions import messages
from karb_guard.decisions.admission import Decision
from karb_guard.decisions.break_glass import BreakGlass, BreakGlassError
from karb_guard.decisions.break_glass import read as read_strictly
from webhook.logs import log
from webhook.metrics import Metrics

HARD = "hard"
"""A key beside those of the state: ``true`` where API servers were told not to ask webhooks."""

Clock = Callable[[], datetime.datetime]


def utc_now() -> datetime.datetime:
    """The time, aware and in UTC."""
    return datetime.datetime.now(datetime.UTC)


def collection(namespace: str) -> str:
    """The path of a namespace's ConfigMaps."""
    return f"/api/v1/namespaces/{segment(namespace)}/configmaps"


def data_of(config_map: Mapping[str, Any]) -> dict[str, Any]:
    """What a ConfigMap says, bounded by what the API server takes (1 MiB)."""
    return dict(config_map.get("data") or {})


def read(data: Mapping[str, Any] | None) -> BreakGlass | None:
    """The state that ``data`` describe; what can't be read is off, and the log says why."""
    try:
        return read_strictly(data)
    except BreakGlassError as error:
        log(logging.ERROR, "break-glass is off: its ConfigMap can't be read", problem=str(error))
        return None


def is_hard(data: Mapping[str, Any]) -> bool:
    """Whether API servers were told not to ask webhooks."""
    return data.get(HARD) == "true"


def summary(state: BreakGlass) -> str:
    """One line for warnings, events and logs."""
    return f"{messages.one_line(state.decided_by)}: {messages.one_line(state.reason)}"


def admit(decision: Decision, state: BreakGlass) -> Decision:
    """A denial as an admission that says so; an admission stays as it is."""
    if decision.allowed:
        return decision
    lines = [line.strip() for line in decision.message.splitlines() if line.strip()]
    said = [f"{messages.clip(summary(state), 200)}; admitted, would be denied", *lines]
    warnings = [messages.clip(line, messages.MAX_WARNING_CHARACTERS) for line in said]
    return noted(
        decision._replace(
            allowed=True,
            message="",
            warnings=messages.bound_warnings([*warnings, *decision.warnings]),
            audit_annotations={**decision.audit_annotations, "decision": "allowed"},
        ),
        state,
    )


def noted(decision: Decision, state: BreakGlass) -> Decision:
    """``decision``, whose audit annotations say that break-glass had a part in it."""
    text = messages.clip(summary(state), messages.MAX_ANNOTATION_CHARACTERS)
    notes = {**decision.audit_annotations, "break-glass": text}
    return decision._replace(audit_annotations=notes)


class Switch:
    """The state in force. ``replace`` may be called from any thread; readers never wait."""

    def __init__(self, metrics: Metrics, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._state: BreakGlass | None = None
        self._data: Mapping[str, Any] | None = None
        self.observe: Callable[[], None] = lambda: None
        """Called after each change."""
        metrics.break_glass.set_function(lambda: self.active() is not None)

    def active(self) -> BreakGlass | None:
        """The state, while it is on."""
        state = self._state
        return state if state is not None and state.active(self._clock()) else None

    @property
    def data(self) -> Mapping[str, Any] | None:
        """What the ConfigMap says."""
        return self._data

    def replace(self, data: Mapping[str, Any] | None) -> None:
        """Take over what the ConfigMap says now; ``None`` when there is none."""
        if data == self._data:
            return
        self._data, self._state = data, read(data)
        self.observe()
        state = self._state
        said = "break-glass is off" if state is None else "break-glass is on"
        log(logging.WARNING, said, state=None if state is None else summary(state))


class Watch:
    """Feeds a ``Switch`` from the ConfigMap ``namespace/name``, in a thread of its own."""

    def __init__(
        self,
        client: ClusterClient,
        namespace: str,
        name: str,
        switch: Switch,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._path = f"{collection(namespace)}/{segment(name)}"
        self._key = (namespace, name)
        self._switch = switch
        self._on_change = on_change
        query = {"fieldSelector": f"metadata.name={name}"}
        self._copy = Reflector(client, collection(namespace), data_of, query, self._changed)

    def start(self) -> None:
        """Begin; returns at once."""
        self._copy.start()

    def stop(self) -> None:
        """Stop watching; what was last read stays until it ends by itself."""
        self._copy.stop()

    def held(self) -> str | None:
        """Why webhook configurations are not to be repaired now. Asks the API server.

        Raises ``ClusterError``: who can't know must not repair.
        """
        found = self._client.get(self._path)
        data = {} if found is None else data_of(found)
        state = read(data)
        if state is None or not is_hard(data) or not state.active(utc_now()):
            return None
        return summary(state)

    def _changed(self) -> None:
        found: Any = self._copy.items.get(self._key)
        self._switch.replace(found)
        self._on_change()
