"""``networkplugins``: which network plug-ins the DaemonSets show."""

from __future__ import annotations

from typing import Any

from karb_guard.evaluation.prepare import prepare
from karb_guard.evaluation.slices import About, networkplugins
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory

SETTINGS = FactSettings()
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}}


def plugins(*objects: Any, complete: bool = False) -> Any:
    inventory = Inventory([NAMESPACE, *objects])
    prepared = prepare(NAMESPACE, SETTINGS, inventory, ())
    return networkplugins.provide(About(prepared, inventory, SETTINGS, complete))


def daemon_set(metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata}


def test_a_known_daemon_set_is_named() -> None:
    cilium = daemon_set({"name": "cilium", "namespace": "kube-system"})
    exporter = daemon_set({"name": "dcgm-exporter", "namespace": "kube-system"})
    assert plugins(cilium, exporter) == [
        {"plugin": "Cilium", "name": "DaemonSet kube-system/cilium", "enforces": "yes"}
    ]


def test_nothing_visible_is_not_nothing_installed() -> None:
    assert plugins() is None
    assert plugins(complete=True) == []


def test_objects_of_any_shape_are_survived() -> None:
    odd = [
        daemon_set(None),
        daemon_set([]),
        daemon_set({"name": 1}),
        daemon_set({"name": "cilium"}),
    ]
    (found,) = plugins(*odd)
    assert found["name"] == "DaemonSet default/cilium"


def test_few_are_enough() -> None:
    many = [daemon_set({"name": "cilium", "namespace": f"n{n}"}) for n in range(20)]
    assert len(plugins(*many)) == networkplugins.MAX_PLUGINS
