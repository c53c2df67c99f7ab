"""Why an object of an unknown kind is refused that the search for pod templates gave up on."""

from __future__ import annotations

from typing import Any

from karb_guard.facts import limits
from karb_guard.workloads import resolve
from karb_guard.workloads.discovery import MAX_VISITED

POD = {"containers": [{"name": "a", "image": "r/a:v1"}]}


def unknown(spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Odd", "metadata": {"name": "o"}, "spec": spec}


def test_many_templates_are_called_many() -> None:
    workload = resolve(unknown({"pods": [POD] * (limits.MAX_TEMPLATES + 1)}))
    assert limits.check_workload(workload) == (
        f"it holds more than {limits.MAX_TEMPLATES} pod templates"
    )


def test_a_search_cut_short_is_not_called_many_templates() -> None:
    workload = resolve(unknown({"pad": [[] for _ in range(MAX_VISITED)], "z": POD}))
    assert limits.check_workload(workload) == (
        "it is too large or too deep to be searched for pod templates to its end"
    )
