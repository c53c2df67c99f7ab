"""An admission request as plain data, and which requests are judged at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from karb_guard.model.path import MAPS

JUDGED_OPERATIONS = frozenset({"CREATE", "UPDATE"})
JUDGED_SUBRESOURCES = frozenset({"", "ephemeralcontainers", "resize", "scale"})
"""Subresources whose object is the whole Pod, and ``scale``, whose workload has to be looked up.
``status`` carries no intent."""


class Resource(NamedTuple):
    """Where a request goes to, which for a subresource is not the kind of its object."""

    group: str = ""
    version: str = ""
    resource: str = ""
    """The plural, without the subresource."""


class AdmissionRequest(NamedTuple):
    """The parts of ``AdmissionReview.request`` that decisions read."""

    uid: str
    operation: str
    """``CREATE``, ``UPDATE``, ``DELETE`` or ``CONNECT``."""
    group: str
    """API group of the object as sent, ``""`` for the core group."""
    version: str
    kind: str
    name: str
    namespace: str
    """``""`` for cluster-scoped objects."""
    subresource: str
    obj: Mapping[str, Any] | None
    old: Mapping[str, Any] | None
    dry_run: bool = False
    username: str = ""
    """Who asks, as the API server knows them."""
    groups: tuple[str, ...] = ()
    resource: Resource = Resource()

    @property
    def group_kind(self) -> str:
        """``apps/Deployment``; ``/Pod`` for the core group, as invariants' ``match`` writes it."""
        return f"{self.group}/{self.kind}"


def reason_to_pass(request: AdmissionRequest) -> str | None:
    """Why the request passes without being judged, or ``None`` where it has to be.

    Nothing may keep an object from going away or a controller from reporting: deletions,
    finalizer-only and status updates pass whatever the object holds. That an object is being
    deleted lets nothing else in: while a finalizer is left, a binding grants what it says.
    """
    if request.operation not in JUDGED_OPERATIONS:
        return f"operation {request.operation} is not judged"
    if request.subresource not in JUDGED_SUBRESOURCES:
        return f"subresource {request.subresource} is not judged"
    if request.obj is None:
        return "the request carries no object"
    if request.operation == "UPDATE" and not touches_intent(request.obj, request.old):
        return "the update touches neither spec, labels nor annotations"
    return None


def is_being_deleted(obj: Mapping[str, Any]) -> bool:
    """Whether the object carries a ``deletionTimestamp``."""
    metadata = obj.get("metadata")
    return isinstance(metadata, MAPS) and metadata.get("deletionTimestamp") is not None


def touches_intent(obj: Mapping[str, Any], old: Mapping[str, Any] | None) -> bool:
    """Whether an update changes what policies read: anything but ``status`` and bookkeeping.

    Of the metadata only labels and annotations count (SLO values and waivers live there).
    """
    if old is None:
        return True
    try:
        now, before = _intent(obj), _intent(old)
        # What is equal in Python need not be in JSON: 1 is True, and custom resources take both.
        return now != before or _as_json(now) != _as_json(before)
    except RecursionError:
        return True  # too deep to compare: let the evaluation's bounds say so


def _as_json(intent: Mapping[str, Any]) -> str:
    return json.dumps(intent, sort_keys=True)


def _intent(obj: Mapping[str, Any]) -> dict[str, Any]:
    """Top-level fields without ``status``; of the metadata, labels and annotations."""
    intent = {key: value for key, value in obj.items() if key not in ("status", "metadata")}
    metadata = obj.get("metadata")
    if isinstance(metadata, Mapping):
        # An absent map and an empty one mean the same to the API server.
        intent["metadata"] = [metadata.get(key) or {} for key in ("labels", "annotations")]
    return intent
