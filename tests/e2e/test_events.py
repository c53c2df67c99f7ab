"""Events on the controllers of denied Pods, as a user of a real cluster sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from karb_guard.cluster.client import connect
from tests.support.api_proxy import ApiProxy
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import (
    BAD,
    SESSION_CONFIG,
    Namespaces,
    controller,
    pod,
    seconds_until,
    until_judged,
)
from tests.support.webhook_process import LABEL, WebhookProcess, serving
from webhook import selftest
from webhook.events import Recorder, Reference
from webhook.metrics import Metrics

pytestmark = pytest.mark.e2e

Json = dict[str, Any]


@pytest.fixture(scope="module")
def judged(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebhookProcess]:
    # Pods of workloads from before the enforcement would be let in, and nobody told of a denial.
    config = {**SESSION_CONFIG, "webhook": {"grandfather": False}}
    process = WebhookProcess(cluster, tmp_path_factory.mktemp("events"), config)
    with serving(process) as webhook:
        yield webhook


def events_on(cluster: Cluster, namespace: str, kind: str) -> list[Json]:
    """Our Events about objects of ``kind``."""
    text = cluster.kubectl("get", "events.events.k8s.io", "-n", namespace, "-ojson").stdout
    items: list[Json] = json.loads(text)["items"]
    return [
        e
        for e in items
        if e["regarding"]["kind"] == kind and e["reportingController"] == "karb.dev/karb-guard"
    ]


def test_a_deployment_whose_pods_are_denied_says_why(
    cluster: Cluster, judged: WebhookProcess, namespaces: Namespaces, api: ApiProxy
) -> None:
    namespace = namespaces.make("enforce", judged)
    until_judged(api, judged, namespace)
    # From before the enforcement: made where nobody judges it.
    cluster.kubectl("label", "namespace", namespace, f"{LABEL}-")
    document = controller("Deployment", **BAD)
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(document))
    name, value = next(iter(judged.labels.items()))
    cluster.kubectl("label", "namespace", namespace, f"{name}={value}")
    until_judged(api, judged, namespace)
    cluster.kubectl("scale", "-n", namespace, "deployment/llm", "--replicas=1")
    seconds = seconds_until(lambda: bool(events_on(cluster, namespace, "Deployment")), 20)
    print(f"told after {seconds:.1f} s")
    (told,) = events_on(cluster, namespace, "Deployment")
    assert told["reason"] == "PodDenied"
    assert told["type"] == "Warning"
    assert "res-mem" in told["note"]
    assert events_on(cluster, namespace, "ReplicaSet")
    described = cluster.kubectl("describe", "-n", namespace, "deployment", "llm").stdout
    assert "PodDenied" in described
    # The controller tries again and again: that is one Event with a count.
    seconds_until(lambda: "series" in events_on(cluster, namespace, "Deployment")[0], 20)
    assert len(events_on(cluster, namespace, "Deployment")) == 1
    assert judged.metric("karb_guard_events_total", outcome="written") == 2


def test_a_dry_run_leaves_nothing(
    cluster: Cluster, judged: WebhookProcess, namespaces: Namespaces, api: ApiProxy
) -> None:
    namespace = namespaces.make("enforce", judged)
    until_judged(api, judged, namespace)
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "llm", "uid": "1"}
    document = pod(**BAD)
    document["metadata"]["ownerReferences"] = [{**owner, "controller": True}]
    assert api.create(document, namespace, dry_run=True).status == 403
    assert api.create(document, namespace).status == 403
    seconds_until(lambda: bool(events_on(cluster, namespace, "StatefulSet")), 10)
    (told,) = events_on(cluster, namespace, "StatefulSet")
    assert "series" not in told


def test_the_api_server_takes_the_longest_event(cluster: Cluster, namespaces: Namespaces) -> None:
    namespace = namespaces.bare()
    metrics = Metrics()
    recorder = Recorder(connect(cluster.kubeconfig), "x" * 500, metrics)
    ref = Reference("v1", "Pod", "p" * 253, namespace, "1")
    recorder.post(ref, "R" * 500, "ä😀\n\x00" * 2000, "Normal")
    # One about an object of the cluster is stored in the namespace `default`.
    recorder.post(Reference("v1", "Namespace", namespace, "", "2"), "Refused", "words")
    recorder.start()
    recorder.stop(10)
    rendered = metrics.render().decode()
    assert 'karb_guard_events_total{outcome="written"} 2.0' in rendered
    cluster.kubectl("delete", "events.events.k8s.io", "-n", "default", "--all")


def test_webhook_test_is_content_only_where_the_webhook_speaks(
    cluster: Cluster, judged: WebhookProcess, namespaces: Namespaces, api: ApiProxy
) -> None:
    warned, enforced = namespaces.make("warn", judged), namespaces.make("enforce", judged)
    until_judged(api, judged, warned)
    assert "warnings, the first: " in selftest.ask(cluster.kubeconfig, warned)
    assert selftest.ask(cluster.kubeconfig, enforced).startswith("denied: ")
    with pytest.raises(selftest.SilentError, match="said nothing"):
        selftest.ask(cluster.kubeconfig, namespaces.bare())
