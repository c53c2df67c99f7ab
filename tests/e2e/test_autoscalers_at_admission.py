"""An autoscaler that can't work is stopped when it is created, on a real API server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import Json, Namespaces, container, controller
from tests.support.webhook_process import Judging, WebhookProcess

pytestmark = pytest.mark.e2e

CONFIG: Json = {
    "stages": {"invariants": dict.fromkeys(("as-conflict", "as-target", "as-request"), "enforce")},
    "webhook": {"denyCustomResources": True},
}
SECONDS = 10.0


@pytest.fixture(scope="module")
def webhook(
    judging: Judging,
    custom_kinds: None,
) -> Iterator[WebhookProcess]:
    with judging(CONFIG) as process:
        yield process


def autoscaler(name: str, target: str, kind: str = "Deployment") -> Json:
    metric = {"type": "Utilization", "averageUtilization": 70}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": target},
            "minReplicas": 1,
            "maxReplicas": 4,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": metric}}],
        },
    }


def deployment(name: str) -> Json:
    made = controller("Deployment", containers=[container()])
    made["metadata"]["name"] = name
    return made


class Creates:
    """``kubectl`` in one namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace

    def __call__(self, obj: Json, *more: str, verb: str = "create") -> str:
        """What is said where it is refused; empty where it isn't."""
        arguments = (verb, f"-n{self._namespace}", "-f", "-", *more)
        done = self._cluster.kubectl(*arguments, stdin=json.dumps(obj), check=False)
        return done.stderr if done.returncode else ""

    def until_refused(self, obj: Json) -> str:
        """The watch has to see what was created before; dry runs leave nothing."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if said := self(obj, "--dry-run=server"):
                return said
            time.sleep(0.1)
        raise AssertionError("never refused")


@pytest.fixture
def create(cluster: Cluster, where: str) -> Creates:
    return Creates(cluster, where)


def test_a_second_autoscaler_of_one_target_is_refused_and_the_first_may_change(
    create: Creates,
) -> None:
    assert create(deployment("llm")) == ""
    first = autoscaler("first", "llm")
    assert create(first) == ""
    said = create.until_refused(autoscaler("second", "llm"))
    assert "as-conflict" in said
    assert "HorizontalPodAutoscaler first" in said
    first["spec"]["maxReplicas"] = 6
    assert create(first, verb="apply") == "", "it is no other autoscaler than itself"
    assert create(deployment("embedder")) == ""
    assert create(autoscaler("third", "embedder")) == ""


def scaled_object(name: str, target: str) -> Json:
    trigger = {"type": "cron", "metadata": {"timezone": "UTC", "start": "0 1 * * *"}}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": name},
        "spec": {"scaleTargetRef": {"name": target}, "triggers": [trigger]},
    }


@pytest.mark.parametrize("made", [autoscaler, scaled_object])
def test_an_older_autoscaler_is_not_given_the_target_of_a_younger_one(
    create: Creates, made: Callable[[str, str], Json]
) -> None:
    older, younger = made("older", "llm"), autoscaler("younger", "embedder")
    for obj in (deployment("llm"), deployment("embedder"), older):
        assert create(obj) == ""
    time.sleep(1.1)  # the API server's time of creation has seconds
    assert create(younger) == ""
    create.until_refused(autoscaler("third", "embedder"))
    older["spec"]["scaleTargetRef"]["name"] = "embedder"
    said = create(older, verb="apply")
    assert "as-conflict" in said
    assert "HorizontalPodAutoscaler younger" in said


def test_a_pair_that_was_there_before_may_change(
    cluster: Cluster, namespaces: Namespaces, webhook: WebhookProcess
) -> None:
    where = namespaces.bare()
    create = Creates(cluster, where)
    pair = [autoscaler(name, "llm") for name in ("first", "second")]
    for obj in (deployment("llm"), *pair):
        assert create(obj) == ""
    labels = [f"{key}={value}" for key, value in webhook.labels.items()]
    cluster.kubectl("label", "namespace", where, *labels)
    create.until_refused(autoscaler("third", "llm"))
    for obj in pair:
        obj["spec"]["maxReplicas"] = 6
        assert create(obj, verb="apply") == ""


def test_an_autoscaler_may_come_before_its_target(create: Creates) -> None:
    assert create(autoscaler("early", "late")) == "", "whoever applies a folder has some order"
    assert create(deployment("late")) == ""


def test_what_can_be_known_of_a_target_only_live_is_known(create: Creates) -> None:
    """A utilisation is a part of a request."""
    bare = deployment("bare")
    bare["spec"]["template"]["spec"]["containers"][0].pop("resources", None)
    assert create(bare) == ""
    assert "as-request" in create(autoscaler("scaler", "bare"))


def test_a_target_that_nobody_can_look_at_is_no_finding(create: Creates) -> None:
    scaler = autoscaler("odd", "llm", kind="Gateway")
    scaler["spec"]["scaleTargetRef"]["apiVersion"] = "example.com/../v1"
    assert "as-target" not in create(scaler)


def test_what_went_away_no_longer_conflicts(cluster: Cluster, create: Creates, where: str) -> None:
    assert create(deployment("llm")) == ""
    assert create(autoscaler("first", "llm")) == ""
    second = autoscaler("second", "llm")
    create.until_refused(second)
    cluster.kubectl("delete", f"-n{where}", "hpa", "first")
    deadline = time.monotonic() + SECONDS
    while (said := create(second)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert said == ""
