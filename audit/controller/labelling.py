"""Which Pod Security labels the rollouts of one round want, and which of ours nobody wants."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from audit.controller import pod_security
from audit.controller.pod_security import Labels
from karb_guard.cluster.client import ClusterClient
from karb_guard.rollout import entry as entries
from karb_guard.rollout.entry import Entry
from karb_guard.rollout.plan import Plan

Json = dict[str, Any]


class Labelling:
    """The labels of one round.

    A rollout that asks for labels keeps what it has until its plan says otherwise: one that can't
    be read, or that another one about the same invariant stands before, loses nothing.
    """

    def __init__(self, client: ClusterClient, objects: Iterable[Json]) -> None:
        """``objects``: all rollouts there are, also those without gates."""
        self._client = client
        self._asking = {_manager(obj) for obj in objects if _asks(obj) is not None}
        self._planned: dict[str, frozenset[str]] = {}

    def follow(self, obj: Json, plan: Plan, namespaces: Mapping[str, Json]) -> Plan:
        """Bring the labels of a rollout's namespaces about; the plan with what became of them.

        They follow the stored status and never say more than ``spec`` asks for, as with stages.
        """
        spec = _asks(obj)
        if spec is None or plan.problem:
            return plan
        self._planned[_manager(obj)] = frozenset(entry.name for entry in plan.entries)
        written = {e.name: e for e in map(entries.from_status, _listed(obj)) if e is not None}
        # What is stored may be about an earlier namespace of that name.
        begun = {step.entry.name for step in plan.steps if step.before is None}
        told = {}
        for entry in plan.entries:
            before = written.get(entry.name)
            if before is None or entry.name in begun:
                continue
            stage = min(before.stage, plan.targets[entry.name], key=lambda each: each.rank)
            labels = Labels(obj["metadata"]["name"], pod_security.wanted(spec, stage))
            told[entry.name] = pod_security.reconcile(self._client, namespaces[entry.name], labels)
        return _with_notes(plan, told)

    def left(self, namespaces: Iterable[Json]) -> Iterator[tuple[Json, str]]:
        """(namespace, field manager) of labels that a rollout applied and no longer asks for."""
        for namespace in namespaces:
            name = namespace["metadata"]["name"]
            for manager in pod_security.managers(namespace):
                planned = self._planned.get(manager)
                if manager not in self._asking or (planned is not None and name not in planned):
                    yield namespace, manager


def _asks(obj: Json) -> Mapping[str, Any] | None:
    """``spec.podSecurity``, where it is there."""
    spec = obj.get("spec")
    found = spec.get("podSecurity") if isinstance(spec, Mapping) else None
    return found if isinstance(found, Mapping) else None


def _manager(obj: Json) -> str:
    return Labels(obj["metadata"]["name"], {}).manager


def _with_notes(plan: Plan, told: Mapping[str, str]) -> Plan:
    """The plan with what became of Pod Security labels in its entries."""
    made = [dataclasses.replace(e, pod_security=told.get(e.name, "")) for e in plan.entries]
    rows = [_with_note(row, e) for row, e in zip(plan.status["namespaces"], made, strict=True)]
    status = {**plan.status, "namespaces": rows}
    return dataclasses.replace(plan, status=status, entries=made)


def _with_note(row: Json, entry: Entry) -> Json:
    note = entries.to_status(entry).get("podSecurity")
    kept = {key: value for key, value in row.items() if key != "podSecurity"}
    return {**kept, "podSecurity": note} if note else kept


def _listed(obj: Json) -> list[Any]:
    return list((obj.get("status") or {}).get("namespaces") or ())
