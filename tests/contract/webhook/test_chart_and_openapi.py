"""What the chart renders, with every switch, by the schemas that a real API server publishes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.api_proxy import ApiProxy, proxied
from tests.support.chart import ALONE, COMBINATIONS, EVERYTHING, TOGETHER
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import seconds_until
from tests.support.helm import render
from tests.support.openapi import Schemas

pytestmark = pytest.mark.e2e

CRDS = Path(__file__).parent / "data" / "monitoring_crds.yaml"
CERT_MANAGER = "cert-manager.io/"
"""Kinds that no API server here knows; cert-manager's controllers are needed for them to mean
anything."""

Json = dict[str, Any]
Problems = Callable[[Json], list[str]]


@pytest.fixture(scope="module")
def problems(cluster: Cluster) -> Iterator[Problems]:
    """Says what is wrong with an object, by ``/openapi/v3``."""
    crds = CRDS.read_text()
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=crds)
    try:
        with proxied(cluster) as api:
            seconds_until(lambda: published(api), 60)
            yield Schemas(lambda path: api.request("GET", path).body).problems
    finally:
        cluster.kubectl("delete", "-f", "-", "--ignore-not-found", stdin=crds)


def published(api: ApiProxy) -> bool:
    """Whether the kinds of the Prometheus operator are in the schemas already."""
    path = "apis/monitoring.coreos.com/v1"
    try:  # not yet published, a path answers 404 and no JSON
        if path not in api.request("GET", "/openapi/v3").body["paths"]:
            return False
        kinds = json.dumps(api.request("GET", f"/openapi/v3/{path}").body)
    except json.JSONDecodeError:
        return False
    return "ServiceMonitor" in kinds and "PrometheusRule" in kinds


def nested(obj: Json) -> list[Json]:
    """``obj``, and the registration that it carries for the process."""
    text = (obj.get("data") or {}).get("registration.yaml") if obj["kind"] == "ConfigMap" else None
    return [obj, *(yaml.safe_load_all(text) if text else [])]


def test_every_variant_is_valid_by_the_schemas_of_the_api_server(problems: Problems) -> None:
    variants = [*COMBINATIONS, EVERYTHING, *([setting] for setting in ALONE), TOGETHER, []]
    seen: set[str] = set()
    kinds: set[str] = set()
    for settings in variants:
        for obj in (one for rendered in render(*settings) for one in nested(rendered)):
            text = json.dumps(obj, sort_keys=True)
            if text in seen or obj["apiVersion"].startswith(CERT_MANAGER):
                continue
            seen.add(text)
            kinds.add(obj["kind"])
            assert problems(obj) == [], f"{settings}: {obj['kind']} {obj['metadata']['name']}"
    assert {"Deployment", "ServiceMonitor", "ValidatingWebhookConfiguration", "Job"} <= kinds
    print(f"{len(seen)} objects of {len(kinds)} kinds, from {len(variants)} sets of values")


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("spec.replica", 2, "replica"),
        ("spec.replicas", "two", "spec.replicas"),
        ("spec.template.spec.containers.0.imagePullPolice", "Always", "imagePullPolice"),
        ("spec.template.spec.containers.0.ports.0.containerPort", "8443", "containerPort"),
        ("spec.template.spec.containers.0.name", None, "name"),
        ("kind", "Deploymant", "Deploymant"),
    ],
)
def test_the_schemas_find_what_is_wrong(
    problems: Problems, path: str, value: Any, told: str
) -> None:
    (found,) = [obj for obj in render() if obj["kind"] == "Deployment"]
    assert problems(found) == []
    broken = copy.deepcopy(found)
    *parents, last = path.split(".")
    where: Any = broken
    for key in parents:
        where = where[int(key) if key.isdigit() else key]
    if value is None:
        del where[last]
    else:
        where[last] = value
    assert any(told in problem for problem in problems(broken))
