"""What an autoscaler is judged beside: the others of its namespace, by watch, and its target, live.

Two autoscalers on one target undo each other's work, and one whose target can't be scaled does
nothing; both are best said to whoever creates the second one. Autoscalers are few and rarely
written, so that they are watched and workloads are not: the one target is asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from karb_guard.cluster.client import ClusterClient, object_path
from karb_guard.decisions.request import AdmissionRequest
from karb_guard.evaluation.autoscaling.objects import HPA, SCALED_OBJECT
from karb_guard.evaluation.autoscaling.shapes import mapping, target
from karb_guard.evaluation.slices.autoscalers import LIMIT_RANGE
from karb_guard.evaluation.slices.scaletarget import VPA
from karb_guard.model.errors import KarbGuardError
from karb_guard.workloads.plural import plural
from webhook.logs import log
from webhook.looks import Looks
from webhook.objects import ClusterObjects, Collection

TIMEOUT_SECONDS = 1.0
"""For the target."""
THREADS = 2

Json = Mapping[str, Any]
Kind = tuple[str, str]
"""API group and kind."""

JUDGED = frozenset({"/".join(HPA), "/".join(SCALED_OBJECT)})
"""Kinds with neighbours, as ``AdmissionRequest.group_kind`` writes them."""

WATCHED: Mapping[str, Collection] = {
    "horizontalpodautoscalers": Collection(
        "/apis/autoscaling/v2/horizontalpodautoscalers", "autoscaling/v2", HPA[1]
    ),
    "scaledobjects": Collection(
        "/apis/keda.sh/v1alpha1/scaledobjects", "keda.sh/v1alpha1", SCALED_OBJECT[1]
    ),
    "verticalpodautoscalers": Collection(
        "/apis/autoscaling.k8s.io/v1/verticalpodautoscalers",
        "autoscaling.k8s.io/v1",
        VPA[1],
    ),
    "limitranges": Collection("/api/v1/limitranges", "v1", LIMIT_RANGE[1]),
}
"""LimitRanges fill in the requests that a utilisation is a part of."""


class Neighbours(NamedTuple):
    """Objects beside the judged one, and what they are all of."""

    objects: tuple[Json, ...]
    known: frozenset[Kind]
    """Kinds of which the namespace holds what is here and nothing else."""


class LiveNeighbours:
    """The watched autoscalers of a namespace and the target of one; see ``around``."""

    def __init__(
        self,
        objects: ClusterObjects,
        get: Callable[[str, float], dict[str, Any] | None],
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        """``get`` (path, seconds) answers the object, or ``None`` for a 404; it may block."""
        self._objects = objects
        self._get = get
        self._looks = Looks("neighbours", THREADS, timeout)

    async def around(self, request: AdmissionRequest) -> Neighbours | None:
        """What is beside the request's object; ``None`` while not every collection is known."""
        if not self._objects.knows(WATCHED):
            return None
        found = [
            obj
            for name in WATCHED
            for obj in self._objects.in_namespace(name, request.namespace)
            if not _same(obj, request)
        ]
        known = {kind_of(collection) for collection in WATCHED.values()}
        target = await self._target(request)
        if target is not None:
            kind, obj = target
            known.add(kind)
            found.append(obj)
        return Neighbours(tuple(found), frozenset(known))

    def close(self) -> None:
        """Don't wait for looks under way."""
        self._looks.close()

    async def _target(self, request: AdmissionRequest) -> tuple[Kind, Json] | None:
        """The target's kind and the target; ``None`` where it can't be looked at.

        One that is not there may come next: who applies a folder of manifests, or a chart, creates
        them in some order. So nothing is known of it, and the audit says it if it stays away.
        """
        reference = _reference(request)
        if reference is None:
            return None
        version, kind, name = reference
        path = object_path(version, request.namespace, plural(kind), name)
        try:
            obj = await self._looks.within(self._get, path, self._looks.seconds)
        except (KarbGuardError, TimeoutError) as error:
            log(logging.WARNING, "target not read", target=path, problem=str(error) or "timed out")
            return None
        found = (version.rpartition("/")[0], kind)
        return None if obj is None else (found, {**obj, "apiVersion": version, "kind": kind})


def kind_of(collection: Collection) -> Kind:
    """Group and kind of what a collection holds."""
    return collection.api_version.rpartition("/")[0], collection.kind


def _same(obj: Json, request: AdmissionRequest) -> bool:
    """Whether ``obj`` is the stored version of the object that is judged."""
    group = str(obj["apiVersion"]).rpartition("/")[0]
    return (group, obj["kind"], obj["metadata"].get("name")) == (
        request.group,
        request.kind,
        request.name,
    )


def _reference(request: AdmissionRequest) -> tuple[str, str, str] | None:
    """``apiVersion``, ``kind`` and ``name`` of the target, with KEDA's defaults."""
    unset = ("apps/v1", "Deployment") if request.group == SCALED_OBJECT[0] else (None, None)
    spec = mapping((request.obj or {}).get("spec"))
    found = target(spec.get("scaleTargetRef"), *unset)
    version, kind, name = found["apiVersion"], found["kind"], found["name"]
    return (version, kind, name) if version and kind and name else None


def neighbours_of(client: ClusterClient, objects: ClusterObjects) -> LiveNeighbours:
    """Neighbours by watches and by an API server's answers."""
    return LiveNeighbours(objects, lambda path, seconds: client.get(path, timeout=seconds))
