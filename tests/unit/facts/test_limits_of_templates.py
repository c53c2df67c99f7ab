"""What all templates of an object take together."""

from __future__ import annotations

from typing import Any

import pytest

from karb_guard import workloads
from karb_guard.facts import limits


def reason(obj: dict[str, Any]) -> str | None:
    return limits.check(obj) or limits.check_workload(workloads.resolve(obj))


def workflow(templates: list[dict[str, Any]], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "w"},
        "spec": {"templates": templates, **spec},
    }


def jobset(jobs: list[dict[str, Any]], **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": {"name": "j", **metadata},
        "spec": {"replicatedJobs": [{"template": {"spec": {"template": job}}} for job in jobs]},
    }


MANY = 100
HALF = limits.MAX_TEMPLATE_CHARACTERS // MANY // 2


@pytest.mark.parametrize(
    "inherited",
    [
        {"podMetadata": {"annotations": {"note": "x" * 3 * HALF}}},
        {"podMetadata": {"annotations": {f"k{index}": "" for index in range(HALF)}}},
        {"volumes": [{"name": "v", "configMap": {"name": "x" * 3 * HALF}}]},
        {"tolerations": [{"key": "x" * 3 * HALF}]},
    ],
)
def test_what_many_templates_inherit_counts_for_each(inherited: dict[str, Any]) -> None:
    templates = [{"name": f"t{index}", "container": {"image": "a"}} for index in range(MANY)]
    assert "with what its 100 pod templates inherit" in str(
        reason(workflow(templates, **inherited))
    )
    assert reason(workflow(templates[: MANY // 5], **inherited)) is None


def test_annotations_of_a_jobset_count_for_each_of_its_jobs() -> None:
    job = {"spec": {"containers": [{"name": "a"}]}}
    annotations = {"note": "x" * 3 * HALF}
    passing = jobset([job] * MANY, annotations=annotations)
    inherits = bool(workloads.resolve(passing).templates[0].annotations)
    assert (reason(passing) is not None) == inherits


def test_what_every_template_writes_for_itself_is_bounded_by_the_object_alone() -> None:
    size = limits.MAX_CHARACTERS // MANY - 500
    jobs = [{"spec": {"containers": [{"name": "a", "args": ["x" * size]}]}} for _ in range(MANY)]
    assert reason(jobset(jobs)) is None


def test_containers_of_all_templates_are_bounded() -> None:
    each = limits.MAX_ALL_CONTAINERS // MANY
    for count, beyond in ((each, False), (each + 1, True)):
        job = {"spec": {"containers": [{"name": "a"}] * count}}
        found = reason(jobset([job] * MANY))
        assert ("2,100 containers, more than 2,000" in str(found)) == beyond
        assert (found is not None) == beyond
