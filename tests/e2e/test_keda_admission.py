"""KEDA's admission webhook as an oracle: what it rejects, we report as an error.

On an API server of its own: KEDA's CustomResourceDefinitions and its webhook, which may not be
absent here, are nobody else's. The ScaledObjects are our fixtures and those of the examples.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from karb_guard.evaluation import Evaluator
from karb_guard.inventory import Inventory
from karb_guard.manifests import parse
from karb_guard.model.finding import Severity
from karb_guard.toolchain import ToolchainError
from tests.support import controlplane, keda_webhook
from tests.support.api_proxy import ApiProxy, proxied
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import installed
from tests.support.judging import document_of, evaluator_for, fixtures
from tests.support.webhook_process import unique

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
SERVED = {"Deployment", "HorizontalPodAutoscaler", "LimitRange"}
"""What KEDA's webhook looks at, of what stands beside a ScaledObject."""
CACHE_SECONDS = 20
GROUPS = Path(__file__).parent / "data" / "crd-leaderworkersets.yaml"
TARGET = "policies/autoscaling/as_target/fixtures/pass/horizontalpodautoscaler-there.context.yaml"

Json = dict[str, Any]

REJECTED = {
    "as-conflict/scaledobject-beside-hpa": "already managed by the hpa",
    "as-conflict/scaledobject-first": "already managed by the hpa",  # which is where we say it
    "as-request/scaledobject-second": "doesn't have the cpu request defined",
    "as-request/scaledobject-value": "doesn't have the cpu request defined",
    "as-target/scaledobject-rayservice": "no matches for kind",  # nobody has RayServices here
    "as-trigger/scaledobject-none": "should have at least 1 items",
    "as-valid/scaledobject-idle": "must be less than MinReplicaCount",
    "as-zero/scaledobject-cpu": "minReplica is 0",
}
"""Every fixture that KEDA rejects, and its words."""


@dataclass(frozen=True)
class Case:
    """A ScaledObject, what stands beside it, and what we say of it."""

    name: str
    obj: Json
    beside: tuple[Json, ...]
    errors: frozenset[str]


def _deployment() -> Json:
    found: Json = yaml.safe_load((ROOT / TARGET).read_text(encoding="utf-8"))
    return found


def _is_served(obj: Any) -> bool:
    """Whether the object comes before the ScaledObject: an HPA that is made of it does not."""
    return obj["kind"] in SERVED and not obj["metadata"].get("ownerReferences")


def _errors(evaluator: Evaluator, obj: Json, beside: tuple[Json, ...]) -> frozenset[str]:
    """Of the ScaledObject, and of the autoscalers beside it: a pair has one finding."""
    scalers = [obj, *(other for other in beside if other["kind"] != "Deployment")]
    evaluations = evaluator.evaluate(scalers, Inventory([obj, *beside]))
    return frozenset(
        f"{f.name}/{f.check}"
        for evaluation in evaluations
        for f in evaluation.findings
        if f.severity is Severity.ERROR
    )


def _cases() -> Iterator[Case]:
    for fixture in fixtures():
        obj = copy.deepcopy(dict(document_of(fixture).object))
        if obj["kind"] != "ScaledObject":
            continue
        written = parse((fixture.context or "").encode(), "context").documents
        beside = tuple(d.object for d in written if _is_served(d.object))
        if not any(other["kind"] == "Deployment" for other in beside):
            beside = (*beside, _deployment())
        name = f"{fixture.invariant.name}/{fixture.case}"
        yield Case(name, obj, beside, _errors(evaluator_for(fixture.header.params), obj, beside))
    for file in sorted((ROOT / "examples").rglob("*.yaml")):
        found = parse(file.read_bytes(), str(file)).documents
        objects = tuple(d.object for d in found)
        for obj in objects:
            if obj.get("kind") == "ScaledObject":
                name = f"examples/{file.relative_to(ROOT / 'examples')}"
                errors = _errors(evaluator_for({}), dict(obj), objects)
                yield Case(name, copy.deepcopy(dict(obj)), (), errors)


CASES = list(_cases())


@pytest.fixture(scope="module")
def keda(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, ApiProxy]]:
    """A cluster with KEDA's admission, and a proxy to it."""
    try:
        keda_webhook.program()
    except ToolchainError as error:
        pytest.skip(f"KEDA's webhook can't be built here: {error}")
    with (
        controlplane.running() as cluster,
        installed(cluster, yaml.safe_load(GROUPS.read_text(encoding="utf-8"))),
        keda_webhook.admitting(cluster, tmp_path_factory.mktemp("keda")),
        proxied(cluster) as proxy,
    ):
        yield cluster, proxy


def said(keda: tuple[Cluster, ApiProxy], case: Case, wanted: str | None) -> str | None:
    """KEDA's reason to reject the object, in a namespace of its own; ``None``: it takes it.

    The webhook reads what stands beside from its caches: where a rejection is ``wanted`` it is
    waited for, and so is a neighbour that it doesn't see yet.
    """
    cluster, proxy = keda
    namespace = unique("keda")
    cluster.kubectl("create", "namespace", namespace)
    for other in case.beside:
        moved = {**other, "metadata": {"name": other["metadata"]["name"], "namespace": namespace}}
        cluster.kubectl("create", "-f", "-", stdin=json.dumps(moved))
    case.obj["metadata"]["namespace"] = namespace
    path = f"/apis/keda.sh/v1alpha1/namespaces/{namespace}/scaledobjects"
    end = time.monotonic() + CACHE_SECONDS
    while True:
        answer = proxy.request("POST", path, case.obj)  # KEDA looks at less in a dry run
        taken = answer.status == 201
        behind = taken if wanted else "not found" in answer.message and bool(case.beside)
        if not behind or time.monotonic() > end:
            return None if taken else answer.message
        if taken:
            proxy.request("DELETE", f"{path}/{case.obj['metadata']['name']}")
        time.sleep(0.3)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_keda_rejects_is_an_error_of_ours(keda: tuple[Cluster, ApiProxy], case: Case) -> None:
    wanted = REJECTED.get(case.name)
    rejected = said(keda, case, wanted)
    if wanted is None:
        assert rejected is None, "list it in REJECTED"
    else:
        assert rejected is not None
        assert wanted in rejected
        assert case.errors


def test_fixtures_that_are_rejected_are_fixtures() -> None:
    assert set(REJECTED) <= {case.name for case in CASES}
