import copy
import json
from typing import Any

import pytest

from karb_guard import facts, workloads

SPEC = {
    "hostNetwork": True,
    "os": {"name": "windows"},
    "resources": {"limits": {"memory": "4Gi"}},
    "initContainers": [
        {"name": "fetch", "image": "busybox"},
        {"name": "proxy", "image": "r:5000/envoy:v1", "restartPolicy": "Always"},
    ],
    "containers": [
        {
            "name": "server",
            "image": "r.io/vllm@sha256:" + "a" * 64,
            "ports": [{"containerPort": 8000}],
            "resources": {
                "limits": {"cpu": "1500m", "memory": "1Gi", "nvidia.com/gpu": 2},
                "requests": {"cpu": "1"},
            },
        },
        {"name": "sidekick"},
    ],
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "labels": {"a": "b"}},
    "spec": SPEC,
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "d", "labels": {"x": "y"}},
    "spec": {"template": {"metadata": {"labels": {"a": "b"}}, "spec": SPEC}},
}


def build(obj: dict[str, Any]) -> facts.Facts:
    before = copy.deepcopy(obj)
    built = facts.build(obj, workloads.resolve(obj))
    assert obj == before
    json.dumps({**built._asdict(), "views": built.pods}, allow_nan=False)
    return built


def test_containers_have_roles_names_and_paths() -> None:
    [pod] = build(DEPLOYMENT).pods
    assert [(c["name"], c["role"], c["open"], c["path"][3:]) for c in pod["containers"]] == [
        ("server", "main", False, ["containers", 0]),
        ("sidekick", "main", False, ["containers", 1]),
        ("fetch", "init", False, ["initContainers", 0]),
        ("proxy", "sidecar", False, ["initContainers", 1]),
    ]
    assert pod["path"] == ["spec", "template", "spec"]
    assert pod["metadataPath"] == ["spec", "template", "metadata"]
    assert pod["labels"] == {"a": "b"}
    assert pod["os"] == "windows"


def test_a_template_is_seen_as_the_pod_that_it_makes() -> None:
    [of_pod], [of_template] = build(POD).pods, build(DEPLOYMENT).pods
    assert of_pod["spec"] == of_template["spec"]
    for one, other in zip(of_pod["containers"], of_template["containers"], strict=True):
        assert {**one, "path": 0, "gpus": 0} == {**other, "path": 0, "gpus": 0}
    server = of_template["containers"][0]["spec"]
    assert server["ports"][0]["hostPort"] == 8000
    assert server["resources"]["requests"]["nvidia.com/gpu"] == 2


def test_amounts_are_milli_units_and_what_was_written_is_told_apart() -> None:
    server = build(POD).pods[0]["containers"][0]
    memory = 2**30 * 1000
    assert server["limits"] == {"cpu": 1500, "memory": memory, "nvidia.com/gpu": 2000}
    assert server["requests"] == {"cpu": 1000, "memory": memory, "nvidia.com/gpu": 2000}
    assert server["declared"] == {
        "limits": ["cpu", "memory", "nvidia.com/gpu"],
        "requests": ["cpu"],
    }
    assert server["gpus"] == [
        {
            "resource": "nvidia.com/gpu",
            "vendor": "nvidia",
            "form": "device",
            "limit": 2000,
            "request": 2000,
            "path": ["spec", "containers", 0, "resources", "limits", "nvidia.com/gpu"],
            "declared": ["limits"],
        }
    ]


def test_a_gpu_that_is_only_requested_has_no_limit_and_points_at_the_request() -> None:
    obj = copy.deepcopy(POD)
    obj["spec"]["containers"][0]["resources"] = {"requests": {"amd.com/gpu": "1"}}  # type: ignore[index]
    [gpu] = build(obj).pods[0]["containers"][0]["gpus"]
    assert (gpu["limit"], gpu["request"], gpu["declared"]) == (None, 1000, ["requests"])
    assert gpu["path"][-2:] == ["requests", "amd.com/gpu"]


def test_pod_level_resources_are_in_milli_units_with_their_defaults() -> None:
    found = build(POD).pods[0]["podResources"]
    memory = 2**30 * 1000
    assert found == {"limits": {"memory": 4 * memory}, "requests": {"cpu": 1000, "memory": memory}}


def test_the_pod_spec_is_defaulted_and_holds_no_containers() -> None:
    spec = build(POD).pods[0]["spec"]
    assert not {"containers", "initContainers", "ephemeralContainers"} & spec.keys()
    assert (spec["restartPolicy"], spec["terminationGracePeriodSeconds"]) == ("Always", 30)


def test_images_are_taken_apart_and_absent_where_there_is_none() -> None:
    server, sidekick, fetch, proxy = build(POD).pods[0]["containers"]
    assert server["image"]["digest"] == "sha256:" + "a" * 64
    assert "image" not in sidekick
    assert fetch["image"]["repository"] == "library/busybox"
    assert proxy["image"] == {
        "raw": "r:5000/envoy:v1",
        "registry": "r:5000",
        "repository": "envoy",
        "tag": "v1",
        "digest": None,
        "error": None,
    }


def test_the_workload_is_described_for_objects_with_pods_only() -> None:
    assert build(DEPLOYMENT).workload == {
        "kind": "Deployment",
        "group": "apps",
        "role": "serving",
        "injects": [],
        "operator": False,
    }
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
    assert build(namespace).workload is None
    assert build(namespace).pods == []


def test_the_object_view_is_defaulted() -> None:
    view = build(DEPLOYMENT).object_view
    assert view["spec"]["replicas"] == 1
    assert view["metadata"]["labels"] == {"x": "y"}
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny"},
        "spec": {"podSelector": {}},
    }
    assert build(policy).object_view["spec"]["policyTypes"] == ["Ingress"]


def test_a_container_that_is_merged_with_a_hidden_one_is_open() -> None:
    obj = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "m"},
        "spec": {
            "predictor": {
                "model": {
                    "modelFormat": {"name": "x"},
                    "resources": {"limits": {"nvidia.com/gpu": "1"}},
                }
            }
        },
    }
    built = build(obj)
    [container] = built.pods[0]["containers"]
    assert (container["open"], container["path"]) == (True, ["spec", "predictor", "model"])
    assert container["gpus"][0]["path"][:3] == ["spec", "predictor", "model"]
    assert built.workload is not None
    assert built.workload["operator"] is True


def test_a_malformed_field_of_a_view_points_at_what_is_written() -> None:
    obj = {
        "apiVersion": "nvidia.com/v1alpha1",
        "kind": "DynamoGraphDeployment",
        "metadata": {"name": "d"},
        "spec": {"services": {"w": {"resources": {"limits": {"memory": "16 gigs"}}}}},
    }
    [entry] = build(obj).malformed
    assert entry.path == ("spec", "services", "w", "resources", "limits", "memory")
    assert entry.got == "'16 gigs'"


@pytest.mark.parametrize("metadata", [None, "x", [], {"namespace": 5}, {"labels": []}])
def test_metadata_of_any_shape_is_survived(metadata: Any) -> None:
    for obj in (POD, DEPLOYMENT):
        build({**obj, "metadata": metadata})


@pytest.mark.parametrize("spec", [None, "x", [], {}, {"containers": None}, {"template": []}])
def test_specs_of_any_shape_are_survived(spec: Any) -> None:
    for obj in (POD, DEPLOYMENT):
        build({**obj, "spec": spec})
