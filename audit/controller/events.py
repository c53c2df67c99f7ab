"""An Event for each step, and one an hour for a rollout that can't be moved.

The name of an Event says which step: a step has one, however often it is told.
A controller that is killed between a step and its Event tells it when it is back: steps of the last
hour are told again, and the API server refuses what is there.
"""

from __future__ import annotations

import datetime
import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from karb_guard.cluster.client import ClusterClient
from karb_guard.cluster.errors import ClusterError, ConflictError
from karb_guard.cluster.leases import own_identity
from karb_guard.cluster.logs import log_to
from karb_guard.rollout.entry import Entry, Reason

logger = logging.getLogger(__name__)

RECENT = datetime.timedelta(hours=1)
"""An Event is kept for an hour (kube-apiserver's --event-ttl)."""
MAX_TOLD = 20_000
MAX_PER_ROUND = 200
"""Of Events written in one round; the others follow in the next one."""
NOT_MOVED = "NotMoved"
CONTROLLER = "karb.dev/rollout-controller"
_NAMESPACE = "default"
"""Where Events about cluster-scoped objects are stored."""

Json = dict[str, Any]


class Teller:
    """Writes Events about an ``InvariantRollout``'s steps."""

    def __init__(self, client: ClusterClient) -> None:
        self._client = client
        self._told: set[str] = set()
        self._instance = own_identity()[:128]
        self._left = MAX_PER_ROUND

    def begin_round(self) -> None:
        """Allow the next round its Events."""
        self._left = MAX_PER_ROUND

    def tell(self, obj: Mapping[str, Any], entry: Entry, now: datetime.datetime) -> None:
        """One step; an Event that can't be written is logged, and tried again in the next round."""
        if now - entry.since > RECENT or entry.step is Reason.STARTED:
            return
        back = entry.step is Reason.ROLLED_BACK
        note = f"namespace {entry.name}: {entry.stage.value}: {entry.message}"
        event = _event(obj, entry.step.value, note, warning=back)
        self._write(event_name(obj, entry), event)

    def warn(self, obj: Mapping[str, Any], problem: str, now: datetime.datetime) -> None:
        """That a rollout could not be moved, once an hour."""
        hour = now.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H")
        name = _name(obj, (NOT_MOVED, hour))
        self._write(name, _event(obj, NOT_MOVED, problem, warning=True))

    def _write(self, name: str, event: Json) -> None:
        """Once; one that can't be written is logged, and tried again when it is told again."""
        if name in self._told or self._left <= 0:
            return
        if len(self._told) >= MAX_TOLD:
            self._told.clear()
        self._left -= 1
        try:
            path = f"/apis/events.k8s.io/v1/namespaces/{_NAMESPACE}/events"
            who = {"reportingController": CONTROLLER, "reportingInstance": self._instance}
            metadata = {"name": name, "namespace": _NAMESPACE}
            self._client.create(path, {**event, "metadata": metadata, **who})
        except ConflictError:
            pass  # told before: by us, before we were killed
        except ClusterError as error:
            log_to(logger, logging.WARNING, "event not written", event=name, problem=str(error))
            return
        self._told.add(name)


def _event(obj: Mapping[str, Any], reason: str, note: str, *, warning: bool) -> Json:
    """An Event about a rollout, without its name and who reports it."""
    metadata = obj["metadata"]
    moment = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "eventTime": moment,
        "action": "Rollout",
        "reason": reason,
        "regarding": {
            "apiVersion": obj.get("apiVersion"),
            "kind": obj.get("kind"),
            "name": metadata["name"],
            "uid": metadata.get("uid"),
            "resourceVersion": metadata.get("resourceVersion"),
        },
        "note": note[:1000],
        "type": "Warning" if warning else "Normal",
    }


def event_name(obj: Mapping[str, Any], entry: Entry) -> str:
    """The name of the one Event about the step with which the entry's stage began."""
    return _name(obj, (entry.name, entry.stage.value, entry.since.isoformat()))


def _name(obj: Mapping[str, Any], what: Sequence[str]) -> str:
    metadata = obj["metadata"]
    digest = hashlib.sha256("|".join(map(str, (metadata.get("uid"), *what))).encode()).hexdigest()
    return f"{str(metadata['name'])[:200]}.{digest[:20]}"
