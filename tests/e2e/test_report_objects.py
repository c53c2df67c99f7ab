"""Report objects in a real API server: written, left alone, updated, and taken away again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.write_back import Writer
from karb_guard.cluster.client import ClusterClient, connect
from karb_guard.model.audit import Audit, NamespaceSummary
from karb_guard.model.errors import UsageError
from karb_guard.model.finding import ObjectRef
from karb_guard.reports.policy_report import MAX_RESULTS, OPENREPORTS, WGPOLICY, ReportApi
from tests.support.cli import karb_guard
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import Namespaces, deployment, installed
from tests.support.report_crds import crds
from tests.support.sample_audit import audit, catalogue, finding

pytestmark = pytest.mark.e2e

RULES = [i for i in catalogue() if i.evaluator == "rego"]
APIS = [OPENREPORTS, WGPOLICY]


@pytest.fixture(scope="module")
def client(cluster: Cluster) -> Iterator[ClusterClient]:
    connected = connect(cluster.kubeconfig)
    yield connected
    connected.close()


@pytest.fixture(scope="module")
def kinds(cluster: Cluster) -> Iterator[None]:
    with ExitStack() as stack:
        for api in APIS:
            for crd in crds(api):
                stack.enter_context(installed(cluster, crd))
        yield


def scan(counts: dict[str, int]) -> Audit:
    """An audit that found so many things in each namespace."""
    found = [
        finding(RULES[i % len(RULES)], ObjectRef("apps/v1", "Deployment", f"w{i}", name or None))
        for name, count in counts.items()
        for i in range(count)
    ]
    sampled = audit(0)
    return replace(
        sampled,
        missing=(),
        namespaces={name: NamespaceSummary(name) for name in counts},
        report=replace(sampled.report, findings=found),
    )


def stored(client: ClusterClient, api: ReportApi, namespace: str) -> list[dict[str, Any]]:
    path = f"/apis/{api.api_version}/namespaces/{namespace}/{api.plural}"
    return client.list(path)[0]


def test_a_group_that_is_not_installed_is_named(client: ClusterClient) -> None:
    missing = OPENREPORTS._replace(api_version="absent.karb.dev/v1")
    with pytest.raises(UsageError, match=r"absent\.karb\.dev/v1 is not installed"):
        Writer(client, missing).write(scan({}))


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.kind)
def test_objects_follow_the_scans(
    client: ClusterClient, namespaces: Namespaces, kinds: None, api: ReportApi
) -> None:
    one, other = namespaces.bare(), namespaces.bare()
    writer = Writer(client, api)
    first = {one: MAX_RESULTS + 50, other: 3, "": 2}

    done = writer.write(scan(first))
    assert (done.written, done.unchanged, done.deleted, done.failed) == (4, 0, 0, [])
    results = [result for item in stored(client, api, one) for result in item["results"]]
    assert len(results) == first[one], "nothing was pruned or lost"
    assert results[0]["properties"]["id"].startswith("KARB-")
    cluster_wide = client.list(f"/apis/{api.api_version}/{api.cluster_plural}")[0]
    assert [len(item["results"]) for item in cluster_wide] == [2]

    before = {
        i["metadata"]["name"]: i["metadata"]["resourceVersion"] for i in stored(client, api, one)
    }
    done = writer.write(scan(first))
    assert (done.written, done.unchanged, done.deleted) == (0, 4, 0), "the same scan writes nothing"
    after = {
        i["metadata"]["name"]: i["metadata"]["resourceVersion"] for i in stored(client, api, one)
    }
    assert after == before

    done = writer.write(scan({one: 5, "": 2}))
    assert (done.written, done.unchanged, done.deleted) == (1, 1, 1)
    assert [len(item["results"]) for item in stored(client, api, one)] == [5]
    assert len(stored(client, api, other)) == 1, "it was not scanned, so that it stays"

    done = writer.write(scan({one: 0, other: 0, "": 0}))
    assert (done.written, done.unchanged, done.deleted, done.failed) == (0, 0, 3, [])
    assert not stored(client, api, one)


def test_objects_of_others_are_left_alone(
    client: ClusterClient, namespaces: Namespaces, kinds: None
) -> None:
    here = namespaces.bare()
    path = f"/apis/{WGPOLICY.api_version}/namespaces/{here}/{WGPOLICY.plural}"
    theirs = {
        "apiVersion": WGPOLICY.api_version,
        "kind": WGPOLICY.kind,
        "metadata": {
            "name": "karb-guard-07",
            "labels": {"app.kubernetes.io/managed-by": "kyverno"},
        },
        "results": [],
    }
    client.create(path, theirs)
    assert Writer(client, WGPOLICY).write(scan({here: 0})).deleted == 0
    assert [item["metadata"]["name"] for item in stored(client, WGPOLICY, here)] == [
        "karb-guard-07"
    ]


def test_a_namespace_that_is_gone_fails_alone(
    client: ClusterClient, namespaces: Namespaces, kinds: None
) -> None:
    here = namespaces.bare()
    done = Writer(client, OPENREPORTS).write(scan({"karb-e2e-gone": 2, here: 2}))
    assert done.written == 1
    (failed,) = done.failed
    assert failed.startswith("karb-e2e-gone/karb-guard-00: ")
    Writer(client, OPENREPORTS).write(scan({here: 0}))


def test_pages_are_followed_and_writes_are_paced(
    client: ClusterClient, namespaces: Namespaces, kinds: None
) -> None:
    here = namespaces.bare()
    slept: list[float] = []
    writer = Writer(client, OPENREPORTS, sleep=slept.append)
    done = writer.write(scan({here: MAX_RESULTS * 8}))
    assert done.written > 10, "more objects than a page holds"
    assert len(slept) == done.written
    assert writer.write(scan({here: MAX_RESULTS * 8})).unchanged == done.written
    assert writer.write(scan({here: 0})).deleted == done.written


def test_the_command_writes_what_it_finds(
    cluster: Cluster, client: ClusterClient, namespaces: Namespaces, kinds: None, tmp_path: Path
) -> None:
    here = namespaces.bare()
    client.create(f"/apis/apps/v1/namespaces/{here}/deployments", deployment("llm"))
    prices = tmp_path / "prices.yaml"
    prices.write_text("default: 2\n")
    arguments = ("--kubeconfig", str(cluster.kubeconfig), "-n", here, "--prices", str(prices))
    done = karb_guard("audit", *arguments, "--format", "json", "--write-back", "wgpolicy")
    document = json.loads(done.out)
    assert "report objects: " in done.err
    open_findings = [f for f in document["report"]["findings"] if f["owner"]["namespace"] == here]
    (made,) = stored(client, WGPOLICY, here)
    assert len(made["results"]) == len(open_findings) > 0
    assert {r["policy"] for r in made["results"]} == {f["name"] for f in open_findings}


@pytest.mark.parametrize(
    "other", [("--from-dump", "x"), ("--kind", "Pod"), ("--severity", "error")]
)
def test_the_command_refuses_to_write_half_of_the_truth(other: tuple[str, str]) -> None:
    done = karb_guard("audit", "--write-back", "wgpolicy", *other)
    assert done.code == 2
    assert "--write-back" in done.err
