"""Context keys that are modules, and what counts as known about a namespace."""

from __future__ import annotations

import importlib

import pytest

from karb_guard.evaluation.prepare import Acquainted, prepare
from karb_guard.evaluation.related import _BY_INVENTORY, context_of
from karb_guard.evaluation.slices import About, provider
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory
from karb_guard.model.context import CONTEXT_KEYS

SETTINGS = FactSettings()
QUOTA = ("", "ResourceQuota")


def named(kind: str, name: str, namespace: str | None = "ai") -> dict[str, object]:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


def about(*others: dict[str, object], namespace: str | None = "ai", complete: bool = False):
    obj = named("Pod", "p", namespace)
    inventory = Inventory([obj, *others])
    return About(prepare(obj, SETTINGS, inventory, ()), inventory, SETTINGS, complete)


@pytest.mark.parametrize("key", sorted(CONTEXT_KEYS))
def test_every_context_key_has_somebody_who_supplies_it(key: str) -> None:
    assert key in _BY_INVENTORY or callable(provider(key))


def test_a_key_without_a_module_is_an_error() -> None:
    with pytest.raises(ImportError):
        importlib.import_module("karb_guard.evaluation.slices.nothing_of_the_kind")


class TestWhatIsKnown:
    def test_nothing_about_a_namespace_that_nobody_wrote_down(self) -> None:
        assert not about().knows(*QUOTA)

    def test_all_of_a_namespace_whose_object_is_here(self) -> None:
        assert about(named("Namespace", "ai", None)).knows(*QUOTA)

    def test_all_of_a_kind_of_which_one_is_here(self) -> None:
        assert about(named("ResourceQuota", "q")).knows(*QUOTA)
        assert not about(named("ResourceQuota", "q", "other")).knows(*QUOTA)

    def test_objects_without_a_namespace_are_known_only_in_a_complete_input(self) -> None:
        assert not about(named("ResourceQuota", "q", None), namespace=None).knows(*QUOTA)
        assert about(namespace=None, complete=True).knows(*QUOTA)

    def test_of_a_cluster_where_one_of_the_kind_is_here(self) -> None:
        assert not about().knows_of_cluster("", "Node")
        assert about(named("Node", "n", None)).knows_of_cluster("", "Node")


class _Lacking(Inventory):
    def supplies(self, key: str) -> bool:
        return False


def test_an_inventory_that_supplies_no_key_leaves_all_out() -> None:
    pod = named("Pod", "p")
    inventory = _Lacking([pod, named("Namespace", "ai", None)])
    prepared = prepare(pod, SETTINGS, inventory, ())
    assert context_of(prepared, sorted(CONTEXT_KEYS), inventory, SETTINGS, complete=True) == {}


def test_what_was_made_of_an_inventory_is_made_anew_after_an_object_is_added() -> None:
    inventory = Inventory()
    assert inventory.remembered("count", lambda: len(inventory)) == 0
    assert inventory.remembered("count", lambda: 1 / 0) == 0
    inventory.add(named("Pod", "p"))
    assert inventory.remembered("count", lambda: len(inventory)) == 1


class TestWhoIsPreparedOnce:
    def test_a_neighbour_that_two_slices_look_at(self) -> None:
        pod = named("Pod", "q")
        seen = about(pod)._replace(acquainted=Acquainted())
        assert seen.prepare(pod) is seen.prepare(pod)
        assert about(pod).prepare(pod) is not about(pod).prepare(pod)

    def test_only_the_object_itself_not_its_like(self) -> None:
        pod, other = named("Pod", "q"), named("Pod", "q")
        seen = about(pod, other)._replace(acquainted=Acquainted())
        assert seen.prepare(pod) is not seen.prepare(other)

    def test_so_many_at_most(self) -> None:
        pods = [named("Pod", f"q{number}") for number in range(3)]
        seen = about(*pods)._replace(acquainted=Acquainted(most=2))
        again = [seen.prepare(pod) is seen.prepare(pod) for pod in pods]
        assert again == [True, True, False]
