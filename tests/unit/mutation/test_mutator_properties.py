"""For any Pod at all: nothing outside the safe list, nothing twice, nothing half."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given

from karb_guard.facts.settings import FactSettings
from karb_guard.mutation.mutator import Mutation, Mutator
from tests.support.json_patch import applied
from tests.support.mutation_pods import (
    EVERYTHING_ON,
    LABELS,
    PODS,
    container,
    differences,
    may_change,
    pod,
)

MUTATOR = Mutator(EVERYTHING_ON, settings=FactSettings())


def mutate(obj: dict[str, Any]) -> Mutation:
    return MUTATOR.mutate(obj, "inference", LABELS)


@given(PODS)
def test_only_what_is_on_the_safe_list_and_unset_is_touched(obj: dict[str, Any]) -> None:
    before = copy.deepcopy(obj)
    mutation = mutate(obj)
    assert obj == before, "the caller's object was changed"
    after = applied(obj, mutation.patch)
    strange = [path for path in differences(before, after) if not may_change(path, before)]
    assert strange == []


@given(PODS)
def test_applied_twice_nothing_is_left_to_do(obj: dict[str, Any]) -> None:
    once = applied(obj, mutate(obj).patch)
    again = mutate(once)
    assert again.changes == ()
    assert again.patch == ()


@given(PODS)
def test_what_is_remembered_of_a_template_gives_the_same_patch(obj: dict[str, Any]) -> None:
    length = len(json.dumps(obj))
    remembering = [MUTATOR.mutate(obj, "inference", LABELS, length) for _ in range(2)]
    assert remembering == [mutate(obj)] * 2


@given(PODS)
def test_the_patch_is_the_changes_and_the_annotation(obj: dict[str, Any]) -> None:
    mutation = mutate(obj)
    assert mutation.refused is None
    after = applied(obj, mutation.patch)
    wanted = copy.deepcopy(obj)
    for change in mutation.changes:
        set_at(wanted, change.path, change.value, append=change.append)
    if mutation.changes:
        key = "karb.dev/mutations"
        value = after["metadata"]["annotations"][key]
        set_at(wanted, ("metadata", "annotations", key), value, append=False)
    assert after == wanted


def set_at(node: Any, path: tuple[Any, ...], value: Any, *, append: bool) -> None:
    *parents, last = path
    for step in parents:
        if isinstance(step, str) and node.get(step) is None:
            node[step] = {}
        node = node[step]
    if append:
        node[last] = [*(node.get(last) or []), value]
    else:
        node[last] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "containers", 0, "image"), "other:1"),
        (("spec", "containers", 0, "resources", "limits", "nvidia.com/gpu"), "4"),
        (("spec", "containers", 0, "resources", "limits", "memory"), "1Gi"),
        (("spec", "containers", 0, "securityContext", "readOnlyRootFilesystem"), True),
        (("spec", "containers", 0, "securityContext", "runAsUser"), 1000),
        (("spec", "securityContext", "runAsNonRoot"), True),
        (("spec", "containers", 0, "securityContext", "capabilities", "drop"), ["ALL"]),
        (("spec", "runtimeClassName"), "nvidia"),
        (("spec", "nodeSelector", "gpu"), "a100"),
        (("spec", "replicas"), 2),
        (("spec", "tolerations"), []),
        (("spec", "serviceAccountName"), "other"),
        (("metadata", "annotations", "karb.dev/slo-p95-latency"), "1s"),
        (("metadata", "managedFields"), [{"manager": "x"}]),
    ],
)
def test_the_check_of_the_safe_list_can_fail(path: tuple[Any, ...], value: Any) -> None:
    before = pod(container(gpus=2), tolerations=[{"key": "a"}, {"key": "b"}])
    after = copy.deepcopy(before)
    set_at(after, path, value, append=False)
    found = list(differences(before, after))
    assert found, path
    assert not any(may_change(each, before) for each in found), found
