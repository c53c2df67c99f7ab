"""``monitors``: what scrapes the metrics of pods."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.evaluation.monitoring import KINDS
from karb_guard.evaluation.prepare import prepare
from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.monitors import provide
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory

SETTINGS = FactSettings()
APP = {"app": "llm"}

Json = dict[str, Any]


def workload(kind: str = "Deployment", *, ports: Any = None, **metadata: Any) -> Json:
    container = {"name": "server", "ports": ports or [{"name": "http", "containerPort": 8000}]}
    template = {"metadata": {"labels": APP}, "spec": {"containers": [container]}}
    named = {"name": "llm", "namespace": "ai", **metadata}
    spec: Json = {"template": template}
    version = "apps/v1"
    if kind == "LeaderWorkerSet":
        version, spec = (
            "leaderworkerset.x-k8s.io/v1",
            {"leaderWorkerTemplate": {"workerTemplate": template}},
        )
    return {"apiVersion": version, "kind": kind, "metadata": named, "spec": spec}


def monitor(kind: str = "PodMonitor", namespace: str | None = "ai", **spec: Any) -> Json:
    field = KINDS["monitoring.coreos.com", kind][1]
    endpoints = spec.pop("endpoints", [{"port": "http"}])
    spec = {"selector": {"matchLabels": APP}, field: endpoints, **spec}
    metadata = {"name": "m", "namespace": namespace} if namespace else {"name": "m"}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": kind,
        "metadata": metadata,
        "spec": spec,
    }


def service(port: Any = "web", *, labels: Any = None, selector: Any = None, **meta: Any) -> Json:
    metadata = {"name": "s", "namespace": "ai", "labels": APP if labels is None else labels, **meta}
    ports = [{"name": port, "port": 80, "targetPort": "http"}]
    spec = {"selector": APP if selector is None else selector, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def provided(*others: Json, obj: Json | None = None, complete: bool = False) -> Any:
    obj = obj or workload()
    inventory = Inventory([obj, *others])
    return provide(About(prepare(obj, SETTINGS, inventory, ()), inventory, SETTINGS, complete))


def scraped(*others: Json, **options: Any) -> Any:
    found = provided(*others, **options)
    return found and found[0]["scraped"]


def test_a_monitor_that_selects_a_port_of_the_pod() -> None:
    assert provided(monitor()) == [{"scraped": True, "by": ["PodMonitor m"], "selecting": []}]


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        ([{"port": "metrics"}], False),
        ([{"port": "metrics"}, {"port": "http"}], True),
        ([{"portNumber": 8000}], True),
        ([{"portNumber": 9}], False),
        ([{"targetPort": "http"}], True),
        ([{"targetPort": "8000"}], True),
        ([{"path": "/metrics"}], True),
        ([], False),
        (None, False),
    ],
)
def test_the_endpoint_decides(endpoints: Any, expected: bool) -> None:
    assert scraped(monitor(endpoints=endpoints)) is expected


@pytest.mark.parametrize("port", [["http"], {"name": "http"}, True, 8000.0])
@pytest.mark.parametrize("field", ["port", "targetPort", "portNumber"])
def test_a_monitor_whose_port_has_another_type_scrapes_nothing(field: str, port: Any) -> None:
    assert not scraped(monitor(endpoints=[{field: port}]))


def test_a_monitor_of_no_port_is_named() -> None:
    (found,) = provided(monitor(endpoints=[{"port": "metrics"}]))
    assert found == {"scraped": False, "by": [], "selecting": ["PodMonitor m"]}


def test_a_monitor_of_other_pods_says_that_monitors_are_written_down() -> None:
    assert scraped(monitor(selector={"matchLabels": {"app": "x"}})) is False


def test_nothing_is_known_without_monitors() -> None:
    assert provided() is None
    assert provided(service()) is None
    assert scraped(complete=True) is False


@pytest.mark.parametrize(
    ("chosen", "namespace", "expected"),
    [
        ({"any": True}, "monitoring", True),
        ({"matchNames": ["ai"]}, "monitoring", True),
        ({"matchNames": ["other"]}, "ai", None),
        ({}, "monitoring", None),
        ({}, None, None),
    ],
)
def test_the_namespaces_of_a_monitor(chosen: Json, namespace: str | None, expected: Any) -> None:
    assert scraped(monitor(namespace=namespace, namespaceSelector=chosen)) is expected


def test_a_monitor_of_all_namespaces_says_nothing_about_others() -> None:
    everywhere = {"namespaceSelector": {"any": True}, "selector": {"matchLabels": {"app": "x"}}}
    assert provided(monitor(namespace="monitoring", **everywhere)) is None
    assert scraped(monitor(namespace="monitoring", **everywhere), complete=True) is False
    assert scraped(monitor(namespace="monitoring", **everywhere), monitor(endpoints=[])) is False


def test_manifests_without_a_namespace_are_scraped_for_certain_or_not_known() -> None:
    nowhere = workload()
    del nowhere["metadata"]["namespace"]
    assert scraped(monitor(namespace=None), obj=nowhere) is True
    other = monitor(namespace=None, selector={"matchLabels": {"app": "x"}})
    assert provided(other, obj=nowhere) is None


class TestServices:
    def test_the_name_of_the_services_port_counts(self) -> None:
        assert scraped(monitor("ServiceMonitor", endpoints=[{"port": "web"}]), service()) is True
        assert scraped(monitor("ServiceMonitor"), service()) is False
        found = monitor("ServiceMonitor", endpoints=[{"targetPort": "http"}])
        assert scraped(found, service()) is True

    def test_the_labels_of_the_service_count(self) -> None:
        found = monitor("ServiceMonitor", endpoints=[{"port": "web"}])
        assert scraped(found, service(labels={"app": "x"})) is False
        assert scraped(found, service(selector={"app": "x"})) is False

    def test_services_that_are_not_visible(self) -> None:
        assert scraped(monitor("ServiceMonitor")) is None
        assert scraped(monitor("ServiceMonitor"), complete=True) is False
        assert scraped(monitor("ServiceMonitor"), service(selector={"app": "x"})) is False

    def test_operators_make_their_own(self) -> None:
        other = service(selector={"app": "x"}, labels={})
        obj = workload("LeaderWorkerSet")
        assert scraped(monitor("ServiceMonitor"), other, obj=obj, complete=True) is None

    def test_an_annotated_service(self) -> None:
        annotated = service(annotations={"prometheus.io/scrape": "true"})
        assert provided(annotated) == [{"scraped": True, "by": ["Service s"], "selecting": []}]
        assert provided(service(annotations={"prometheus.io/scrape": "false"})) is None


def test_labels_that_an_operator_adds() -> None:
    obj = workload("LeaderWorkerSet")
    assert scraped(monitor(selector={"matchLabels": {"role": "leader"}}), obj=obj) is None
    assert scraped(monitor(selector={"matchLabels": {"app": "x"}}), obj=obj) is False
    assert scraped(monitor(), obj=obj) is True


def test_a_port_that_an_operator_adds() -> None:
    spec = {"template": {"metadata": {"labels": APP}, "spec": {"containers": [{"name": "h"}]}}}
    ray = {
        "apiVersion": "ray.io/v1",
        "kind": "RayCluster",
        "metadata": {"name": "r", "namespace": "ai"},
        "spec": {"headGroupSpec": spec},
    }
    assert scraped(monitor(endpoints=[{"port": "metrics"}]), obj=ray) is True


def test_relatives_of_prometheus_operator() -> None:
    for (group, kind), (by_service, field) in KINDS.items():
        if not by_service:
            obj = {
                "apiVersion": f"{group}/v1",
                "kind": kind,
                "metadata": {"name": "m", "namespace": "ai"},
                "spec": {"selector": {"matchLabels": APP}, field: [{"port": 8000}]},
            }
            assert scraped(obj) is True, kind


def test_objects_that_carry_no_pods_have_no_entry() -> None:
    assert provided(obj=service()) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.just("http"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["matchLabels", "any", "matchNames", "port", "name", "app"]), inner
        )
    ),
    max_leaves=8,
)
FIELDS = st.dictionaries(
    st.sampled_from(
        ["selector", "podMetricsEndpoints", "endpoints", "namespaceSelector", "ports", "labels"]
    ),
    JSON,
)


@given(st.sampled_from(["PodMonitor", "ServiceMonitor"]), JSON | FIELDS, JSON | FIELDS, FIELDS)
def test_objects_of_any_shape_are_survived(kind: str, spec: Any, other: Any, meta: Any) -> None:
    metadata = {"name": "m", "namespace": "ai", **meta}
    found = {"apiVersion": "monitoring.coreos.com/v1", "kind": kind, "spec": spec}
    front = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": other}
    for bad in ({**found, "metadata": metadata}, {**found, "metadata": spec}):
        provided(bad, front, monitor("ServiceMonitor"))
