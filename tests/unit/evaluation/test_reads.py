"""What slices say that they read is all that they read: a scan lists nothing else for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from karb_guard.evaluation.prepare import prepare
from karb_guard.evaluation.related import context_of
from karb_guard.evaluation.slices.reads import NAMESPACE, reads_of
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory
from karb_guard.model.context import CONTEXT_KEYS
from karb_guard.rbac import RbacIndex
from karb_guard.rbac.objects import GROUP, KINDS
from karb_guard.workloads import ROWS
from tests.support.judging import document_of, fixtures, inventory_of

FACTS = {("resource.k8s.io", kind) for kind in ("DeviceClass", "ResourceClaim")} | {
    ("resource.k8s.io", "ResourceClaimTemplate")
}
"""What preparing any object may ask for, a slice or not (``reads.FACTS``)."""


class Watched(Inventory):
    """Remembers which kinds it was asked for."""

    def __init__(self, objects: list[Any]) -> None:
        self.asked: set[tuple[str, str]] = set()
        self.saw_all = False
        super().__init__(objects)

    def get(self, group: str, kind: str, namespace: str | None, name: str) -> Any:
        self.asked.add((group, kind))
        return super().get(group, kind, namespace, name)

    def of_kind(self, group: str, kind: str) -> Any:
        self.asked.add((group, kind))
        return super().of_kind(group, kind)

    def in_namespace(self, group: str, kind: str, namespace: str | None) -> Any:
        self.asked.add((group, kind))
        return super().in_namespace(group, kind, namespace)

    def objects_in(self, namespace: str | None) -> Any:
        self.saw_all = True
        return super().objects_in(namespace)

    def rbac(self) -> RbacIndex:
        self.asked |= {(GROUP, kind) for kind in KINDS}
        return super().rbac()


def _inputs() -> list[tuple[Mapping[str, Any], list[Any]]]:
    found = []
    for fixture in fixtures():
        document = document_of(fixture)
        found.append((document.object, list(inventory_of(fixture, document))))
    return found


@pytest.fixture(scope="module")
def inputs() -> list[tuple[Mapping[str, Any], list[Any]]]:
    return _inputs()


@pytest.mark.parametrize("key", CONTEXT_KEYS)
def test_a_slice_reads_what_it_declares(
    key: str, inputs: list[tuple[Mapping[str, Any], list[Any]]]
) -> None:
    declared = reads_of(key)
    allowed = {*declared.here, *declared.everywhere, NAMESPACE, *FACTS}
    if declared.workloads:
        allowed |= set(ROWS)
    for obj, context in inputs:
        watched = Watched([*context, obj])
        prepared = prepare(obj, FactSettings(), watched, ())
        watched.asked.clear()
        watched.saw_all = False
        context_of(prepared, [key], watched, FactSettings(), complete=True)
        beyond = {kind for kind in watched.asked - allowed if not _is_target(obj, kind)}
        assert not beyond, f"{key} reads {beyond}: declare it in READS of its module"
        assert declared.workloads or not watched.saw_all, f"{key} looks at all objects"


def _is_target(obj: Mapping[str, Any], kind: tuple[str, str]) -> bool:
    """An autoscaler may name any kind; of one that is not listed a scan says that it can't know."""
    target = (obj.get("spec") or {}).get("scaleTargetRef")
    return isinstance(target, dict) and target.get("kind", "Deployment") == kind[1]
