"""From the assembled guard to what reviews are judged by."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import orjson

from karb_guard.assembly import Guard
from karb_guard.assembly.mutation import mutator_of
from karb_guard.config.names import stage_policy
from karb_guard.decisions.admission import AdmissionOptions
from karb_guard.evaluation import Evaluator
from karb_guard.inventory import Inventory
from karb_guard.model.finding import Evaluation
from karb_guard.mutation.mutator import Mutator
from webhook.loaded import Labels, Loaded
from webhook.neighbours import Neighbours

NAMESPACE_CONTEXT = "namespace"
SCALE_TARGET = "scaletarget"
MAX_NAMESPACES = 4096
"""Namespaces remembered with their labels; beyond, all are forgotten."""
_WARM_UP = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "warm-up", "namespace": "default"},
    "spec": {"containers": [{"name": "main", "image": "example.org/warm/up:1"}]},
}


class SharedEvaluator:
    """The evaluator of all doors, given what admission knows of the cluster: the namespace."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        asked = {key for invariant in evaluator.settings.invariants for key in invariant.context}
        self._wants_namespace = NAMESPACE_CONTEXT in asked
        self._known: dict[str, tuple[Labels, Inventory]] = {}

    def evaluate(
        self,
        obj: Mapping[str, Any],
        namespace: str,
        labels: Labels | None,
        json_bytes: int | None = None,
        neighbours: Neighbours | None = None,
    ) -> Evaluation:
        """Judge one object. Context that this door can't supply leaves invariants undecided."""
        inventory = None
        if neighbours is not None:
            beside = _Beside(namespace, labels, neighbours)
            return self._evaluator.evaluate([obj], beside, json_bytes=json_bytes)[0]
        if self._wants_namespace and namespace and labels is not None:
            inventory = self._inventory(namespace, labels)
        return self._evaluator.evaluate([obj], inventory, json_bytes=json_bytes)[0]

    def _inventory(self, namespace: str, labels: Labels) -> Inventory:
        """One namespace with its labels; made anew when these change."""
        known = self._known.get(namespace)
        if known is None or known[0] != labels:
            if len(self._known) >= MAX_NAMESPACES:
                self._known.clear()
            known = (dict(labels), _NamespaceAlone(namespace, labels))
            self._known[namespace] = known
        return known[1]

    def warm_up(self) -> None:
        """Judge a pod once, so that the first review doesn't pay for what is made lazily."""
        self.evaluate(_WARM_UP, "default", {})


class _NamespaceAlone(Inventory):
    """Knows one Namespace and nothing of what is in it.

    In a directory of manifests a Namespace without a NetworkPolicy has none; here nobody looked.
    """

    def __init__(self, name: str, labels: Labels) -> None:
        metadata = {"name": name, "labels": dict(labels)}
        super().__init__([{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}])

    def supplies(self, key: str) -> bool:
        """Only what is known of the Namespace itself."""
        return key == NAMESPACE_CONTEXT


class _Beside(Inventory):
    """What is known beside an autoscaler: its namespace's name at least, and its neighbours."""

    beside_a_review = True

    def __init__(self, namespace: str, labels: Labels | None, neighbours: Neighbours) -> None:
        super().__init__(neighbours.objects)
        self._kinds = neighbours.known
        self._supplied = {SCALE_TARGET}
        if labels is not None:
            metadata = {"name": namespace, "labels": dict(labels)}
            self.add({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
            self._supplied.add(NAMESPACE_CONTEXT)

    def supplies(self, key: str) -> bool:
        """Only what these objects are enough for."""
        return key in self._supplied

    def is_written_down(self, group: str, kind: str, namespace: str | None) -> bool:
        """Whether all of a kind are here, which the Namespace alone doesn't say."""
        return namespace is not None and (group, kind) in self._kinds


def loaded_from(guard: Guard, own_namespace: str | None) -> Loaded:
    """What the configuration means for reviews; the webhook's own namespace is always exempt."""
    settings, config = guard.evaluator.settings, guard.config
    catalogue = {i.name: replace(i, severity=settings.severity_of(i)) for i in guard.catalogue}
    evaluator = SharedEvaluator(guard.evaluator)
    evaluator.warm_up()
    own = (own_namespace,) if own_namespace else ()
    return Loaded(
        evaluator=evaluator,
        stages=stage_policy(guard.loaded, guard.catalogue, catalogue.values()),
        catalogue=catalogue,
        enabled=frozenset(invariant.name for invariant in settings.invariants),
        options=AdmissionOptions(
            deny_custom_resources=config.webhook.deny_custom_resources,
            docs_url=config.webhook.docs_url,
            grandfather=config.webhook.grandfather,
            controllers=config.webhook.controllers,
            waiver_days=config.waivers.max_days,
        ),
        exempt_namespaces=(*config.webhook.exempt_namespaces, *own),
        digest=digest_of(guard),
        mutator=_mutator(guard),
    )


def _mutator(guard: Guard) -> Mutator | None:
    mutator = mutator_of(guard)
    return mutator if mutator.may_change else None


def digest_of(guard: Guard) -> str:
    """A short name for configuration and policies together; equal on replicas that agree."""
    config = orjson.dumps(
        asdict(guard.config), option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str
    )
    text = config + guard.bundle.catalogue.source_hash.encode()
    return hashlib.sha256(text).hexdigest()[:16]
