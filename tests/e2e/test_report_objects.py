"""Report objects in a real API server: written, left alone, updated, and taken away again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.write_back import Writer
from karb_guard.cluster.client import ClusterClient, connect
from karb_guard.model.audit import Audit, Missing, NamespaceSummary
from karb_guard.model.errors import UsageError
from karb_guard.model.finding import ObjectRef, Unknown
from karb_guard.model.report import Problem
from karb_guard.reports.policy_report import (
    MAX_RESULTS,
    NOT_READ,
    OPENREPORTS,
    WGPOLICY,
    ReportApi,
    report_objects,
)
from karb_guard.toolchain import ToolchainError
from tests.support.accounts import bound
from tests.support.cli import karb_guard
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import BAD, Namespaces, deployment, installed, pod
from tests.support.report_crds import published
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
            try:
                found = published(api)
            except ToolchainError as error:
                pytest.skip(f"the published kinds are read through Go's module cache: {error}")
            assert len(found) == 2, "the module has them elsewhere"
            for crd in found:
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


def contents(objects: Iterable[Mapping[str, Any]]) -> list[str]:
    """What objects say, however the API server orders it."""
    fields = ("kind", "summary", "results", "source")
    return sorted(json.dumps({f: o.get(f) for f in fields}, sort_keys=True) for o in objects)


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
    assert len(results) == first[one]
    written = [
        item
        for path in (api.plural, api.cluster_plural)
        for item in client.list(f"/apis/{api.api_version}/{path}")[0]
    ]
    wanted = report_objects(scan(first), api).objects
    assert contents(written) == contents(wanted), "nothing was pruned or lost"
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


def outcome(client: ClusterClient, namespace: str) -> dict[str, str]:
    """Object -> what of it was not read."""
    return {
        f"{r['resources'][0]['kind']}/{r['resources'][0]['name']}": r["properties"].get(
            NOT_READ, ""
        )
        for item in stored(client, WGPOLICY, namespace)
        for r in item["results"]
    }


def test_what_could_not_be_read_keeps_its_results(
    client: ClusterClient, namespaces: Namespaces, kinds: None
) -> None:
    here, there = namespaces.bare(), namespaces.bare()
    writer = Writer(client, WGPOLICY)
    refs = [
        ObjectRef("apps/v1", "Deployment", "llm", here),
        ObjectRef("apps/v1", "StatefulSet", "db", here),
        ObjectRef("v1", "Service", "web", here),
        ObjectRef("v1", "Service", "api", here),
        ObjectRef("v1", "Pod", "huge", here),
        ObjectRef("apps/v1", "Deployment", "llm", there),
        ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRole", "wide", None),
        ObjectRef("v1", "Namespace", here, None),
        ObjectRef("v1", "Namespace", there, None),
    ]
    empty = scan({here: 0, there: 0, "": 0})
    found = [finding(RULES[0], ref) for ref in refs]
    writer.write(replace(empty, report=replace(empty.report, findings=found)))

    unlisted = Missing("deployments.apps in x", "no", (), ("apps", "Deployment"), here)
    context = Missing("pods", "no", (RULES[0].name,), ("", "PodTemplate"))
    partial = replace(
        empty,
        missing=[unlisted, context],
        report=replace(
            empty.report,
            findings=[],
            unknowns=[Unknown(RULES[0].name, refs[2], "no pods")],
            problems=[Problem(f"{here}/Pod/huge", None, None, "too large", "not-evaluated")],
        ),
    )
    done = writer.write(partial)
    assert outcome(client, here) == {
        "Deployment/llm": "deployments.apps in x",
        "Service/web": "pods",
        "Pod/huge": "not judged",
    }
    assert stored(client, WGPOLICY, there) == [], "it was read there"
    assert "3 results of earlier scans stay" in done.line()
    assert "deployments.apps in x" in done.line()
    assert writer.write(partial).written == 0, "the same gaps write nothing"

    again = replace(partial, report=replace(partial.report, findings=[found[0]]))
    writer.write(again)
    assert outcome(client, here)["Deployment/llm"] == "", "what is found again is found"
    assert writer.write(empty).deleted == 1
    assert stored(client, WGPOLICY, here) == []


def test_a_scan_of_one_namespace_leaves_what_is_in_none(
    client: ClusterClient, namespaces: Namespaces, kinds: None
) -> None:
    here, there = namespaces.bare(), namespaces.bare()
    writer = Writer(client, WGPOLICY)
    roles = ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRole", "wide", None)
    places = [ObjectRef("v1", "Namespace", name, None) for name in (here, there)]
    everything = scan({here: 0, there: 0, "": 0})
    found = [finding(RULES[0], ref) for ref in (roles, *places)]
    writer.write(replace(everything, report=replace(everything.report, findings=found)))

    def names() -> list[str]:
        path = f"/apis/{WGPOLICY.api_version}/{WGPOLICY.cluster_plural}"
        items = client.list(path)[0]
        return sorted(r["resources"][0]["name"] for item in items for r in item["results"])

    assert names() == sorted(["wide", here, there])
    writer.write(scan({here: 0}))
    assert names() == sorted(["wide", there])
    writer.write(everything)
    assert names() == []


def test_a_right_that_is_taken_away_takes_no_results_along(
    cluster: Cluster, client: ClusterClient, namespaces: Namespaces, kinds: None, tmp_path: Path
) -> None:
    here = namespaces.bare()
    client.create(f"/apis/apps/v1/namespaces/{here}/deployments", deployment("llm"))
    client.create(f"/api/v1/namespaces/{here}/pods", pod("lone", **BAD))
    arguments = ("-n", here, "--write-back", "wgpolicy", "--quiet", "--exit-zero")
    karb_guard("audit", "--kubeconfig", str(cluster.kubeconfig), *arguments)
    before = outcome(client, here)
    assert {"Deployment/llm", "Pod/lone"} <= before.keys()
    client.delete(f"/api/v1/namespaces/{here}/pods/lone")

    rules = [
        {"apiGroups": [""], "resources": ["*"], "verbs": ["get", "list"]},
        {"apiGroups": [WGPOLICY.api_version.partition("/")[0]], "resources": ["*"], "verbs": ["*"]},
    ]
    with bound(cluster, here, rules) as kubeconfig:
        file = tmp_path / "kubeconfig"
        file.write_text(kubeconfig)
        done = karb_guard("audit", "--kubeconfig", str(file), *arguments[:-2])
    assert done.code == 2
    after = outcome(client, here)
    assert after["Deployment/llm"] == "deployments.apps in namespace " + here
    assert "Pod/lone" not in after
    assert "results of earlier scans stay" in done.err


@pytest.mark.parametrize(
    "other", [("--from-dump", "x"), ("--kind", "Pod"), ("--severity", "error")]
)
def test_the_command_refuses_to_write_half_of_the_truth(other: tuple[str, str]) -> None:
    done = karb_guard("audit", "--write-back", "wgpolicy", *other)
    assert done.code == 2
    assert "--write-back" in done.err
