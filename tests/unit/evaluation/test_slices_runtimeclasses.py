"""The RuntimeClasses of the cluster, as ``input.context.runtimeclasses``."""

from __future__ import annotations

from typing import Any

import pytest

from karb_guard.evaluation.prepare import prepare
from karb_guard.evaluation.slices import About
from karb_guard.evaluation.slices.runtimeclasses import provide
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "ai"}}
SETTINGS = FactSettings()


def runtime_class(metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": metadata}


def provided(*others: dict[str, Any], complete: bool = False) -> Any:
    inventory = Inventory([POD, *others])
    return provide(About(prepare(POD, SETTINGS, inventory, ()), inventory, SETTINGS, complete))


def test_absent_while_nobody_wrote_one_down() -> None:
    assert provided() is None


def test_a_complete_inventory_without_any_has_none() -> None:
    assert provided(complete=True) == {"names": [], "complete": True}


def test_names_in_order() -> None:
    found = provided(runtime_class({"name": "nvidia"}), runtime_class({"name": "gvisor"}))
    assert found == {"names": ["gvisor", "nvidia"], "complete": False}


@pytest.mark.parametrize("metadata", [None, "odd", {"name": 1}, {}])
def test_any_shape_is_survived(metadata: Any) -> None:
    assert provided(runtime_class(metadata)) == {"names": [], "complete": False}
