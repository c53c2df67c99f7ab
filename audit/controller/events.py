"""An Event for each step. Its name says which step: a step has one, however often it is told.

A controller that is killed between a step and its Event tells it when it is back: steps of the last
hour are told again, and the API server refuses what is there.
"""

from __future__ import annotations

import datetime
import hashlib
import logging
from collections.abc import Mapping
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
        name = event_name(obj, entry)
        if name in self._told or self._left <= 0:
            return
        if len(self._told) >= MAX_TOLD:
            self._told.clear()
        self._left -= 1
        try:
            path = f"/apis/events.k8s.io/v1/namespaces/{_NAMESPACE}/events"
            self._client.create(path, self._event(obj, entry, name))
        except ConflictError:
            pass  # told before: by us, before we were killed
        except ClusterError as error:
            log_to(logger, logging.WARNING, "event not written", event=name, problem=str(error))
            return
        self._told.add(name)

    def _event(self, obj: Mapping[str, Any], entry: Entry, name: str) -> Json:
        metadata = obj["metadata"]
        regarding = {
            "apiVersion": obj.get("apiVersion"),
            "kind": obj.get("kind"),
            "name": metadata["name"],
            "uid": metadata.get("uid"),
            "resourceVersion": metadata.get("resourceVersion"),
        }
        back = entry.step is Reason.ROLLED_BACK
        moment = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": _NAMESPACE},
            "eventTime": moment,
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance,
            "action": "Rollout",
            "reason": entry.step.value,
            "regarding": regarding,
            "note": f"namespace {entry.name}: {entry.stage.value}: {entry.message}"[:1000],
            "type": "Warning" if back else "Normal",
        }


def event_name(obj: Mapping[str, Any], entry: Entry) -> str:
    """The name of the one Event about the step with which the entry's stage began."""
    metadata = obj["metadata"]
    what = (metadata.get("uid"), entry.name, entry.stage.value, entry.since.isoformat())
    digest = hashlib.sha256("|".join(map(str, what)).encode()).hexdigest()[:20]
    return f"{str(metadata['name'])[:200]}.{digest}"
