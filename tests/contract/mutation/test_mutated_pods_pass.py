"""What a mutation adds satisfies the invariant that asks for it, as the real policies judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings

from karb_guard.assembly.mutation import taints_of
from karb_guard.facts.settings import FactSettings
from karb_guard.mutation.mutator import Mutator
from karb_guard.mutation.options import MutationOptions
from tests.support.json_patch import applied
from tests.support.judging import catalogue, document_of, evaluator_for, fixture_id, fixtures
from tests.support.mutation_pods import LABELS, PODS, container, pod

Json = dict[str, Any]
GPU_RESOURCES = ("nvidia.com/gpu", "nvidia.com/mig-1g.5gb", "amd.com/gpu", "habana.ai/gaudi")


def mutator(params: Mapping[str, Mapping[str, Any]]) -> Mutator:
    options = MutationOptions(
        enabled=True,
        shared_memory_milli=8 * 2**30 * 1000,
        cpu_per_gpu_milli=4000,
        namespace_labels=("karb.dev/owner", "karb.dev/tier"),
        taints=taints_of(evaluator_for(params).settings, catalogue()),
    )
    return Mutator(options, settings=FactSettings())


def found(obj: Json, params: Mapping[str, Mapping[str, Any]] | None = None) -> Counter[str]:
    """``invariant/check`` -> how often, by the whole catalogue."""
    (evaluation,) = evaluator_for(params or {}).evaluate([obj])
    assert evaluation.not_evaluated is None
    return Counter(f"{f.name}/{f.check}" for f in evaluation.findings)


def mutated(
    obj: Json, params: Mapping[str, Mapping[str, Any]] | None = None, labels: Any = None
) -> Json:
    patch = mutator(params or {}).mutate(obj, "inference", labels or LABELS).patch
    result: Json = applied(obj, patch)
    return result


CASES: dict[str, tuple[Json, str]] = {
    **{
        f"toleration of {name}": (
            pod(container(resources={"limits": {name: "1"}})),
            "gpu-tol-missing/missing",
        )
        for name in GPU_RESOURCES
    },
    "seccomp": (pod(), "pss-restricted/seccompProfile_restricted"),
    "escalation": (
        pod(container(), initContainers=[container("i")]),
        "pss-restricted/allowPrivilegeEscalation",
    ),
    "shared memory": (pod(container(gpus=2)), "st-shm/missing"),
    "owner": (pod(container(gpus=1)), "owner/missing"),
    "cpu": (pod(container(gpus=1)), "res-cpu-req/missing"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mutation_ends_the_finding_that_it_is_for_and_makes_none(name: str) -> None:
    obj, finding = CASES[name]
    before, after = found(obj), found(mutated(obj))
    assert before[finding]
    assert not after[finding]
    assert after - before == Counter()


def test_a_tier_from_the_namespace_is_no_objective() -> None:
    obj = pod(container(gpus=1))
    after = mutated(obj, labels={"karb.dev/tier": "standard", "karb.dev/slo-p95-latency": "1s"})
    before = found(obj)["slo-required/missing"]
    assert found(after)["slo-required/missing"] == before - 1


@pytest.mark.parametrize("effect", ["NoSchedule", "NoExecute", "PreferNoSchedule"])
def test_the_parameters_of_the_invariant_are_heeded(effect: str) -> None:
    params = {"gpu-tol-missing": {"taints": {"nvidia": "example.com/pool"}, "effect": effect}}
    obj = pod(container(gpus=1))
    assert found(obj, params)["gpu-tol-missing/missing"]
    after = mutated(obj, params)
    assert not found(after, params)["gpu-tol-missing/missing"]
    assert after["spec"]["tolerations"][0]["effect"] == effect


@pytest.mark.parametrize(
    "fixture",
    [f for f in fixtures() if document_of(f).object.get("kind") == "Pod"],
    ids=fixture_id,
)
def test_no_pod_of_the_fixtures_gets_a_finding_by_being_changed(fixture: Any) -> None:
    params = fixture.header.params
    obj = document_of(fixture).object
    before = found(obj, params)
    after = found(mutated(obj, params), params)
    assert after - before == Counter()


@settings(max_examples=60, deadline=None)
@given(PODS)
def test_no_pod_at_all_gets_a_finding_by_being_changed(obj: Json) -> None:
    assert found(mutated(obj)) - found(obj) == Counter()
