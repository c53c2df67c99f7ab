from pathlib import Path
from typing import Any

import pytest

from karb_guard import facts, workloads
from karb_guard.facts import gpu_names
from karb_guard.facts.settings import FactSettings


def pod(
    spec: dict[str, Any] | None = None,
    annotations: dict[str, str] | None = None,
    **container: Any,
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "ns", "annotations": annotations or {}},
        "spec": {"containers": [{"name": "c", **container}], **(spec or {})},
    }


class Objects:
    """A lookup over a list of objects."""

    def __init__(self, *objects: dict[str, Any]) -> None:
        self._objects = objects

    def get(self, group: str, kind: str, namespace: str | None, name: str) -> dict[str, Any] | None:
        for obj in self.of_kind(group, kind):
            if obj["metadata"]["name"] == name and obj["metadata"].get("namespace") == namespace:
                return obj
        return None

    def of_kind(self, group: str, kind: str) -> list[dict[str, Any]]:
        return [o for o in self._objects if o["kind"] == kind and o["group"] == group]


def resource(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    namespace = None if kind == "DeviceClass" else "ns"
    metadata = {"name": name, "namespace": namespace}
    return {"group": "resource.k8s.io", "kind": kind, "metadata": metadata, "spec": spec}


def gpu_of(obj: dict[str, Any], *objects: dict[str, Any], **settings: Any) -> dict[str, Any]:
    lookup = Objects(*objects) if objects else None
    built = facts.build(obj, workloads.resolve(obj), FactSettings(**settings), lookup)
    assert built.malformed == ()
    found: dict[str, Any] = built.pods[0]["gpu"]
    return found


def numbers_of(gpu: dict[str, Any]) -> list[int]:
    return [each["test"] for each in gpu["evidence"]]


def limits(**amounts: Any) -> dict[str, Any]:
    return {"limits": amounts}


PLAIN: dict[str, Any] = {
    "workload": False,
    "unaccounted": False,
    "suspected": False,
    "unknown": None,
    "resources": [],
    "vendors": [],
    "evidence": [],
}


def test_a_cpu_pod_hits_nothing() -> None:
    assert gpu_of(pod(resources=limits(cpu="4", memory="1Gi"))) == PLAIN


@pytest.mark.parametrize(
    ("name", "vendor"),
    [
        ("nvidia.com/gpu", "nvidia"),
        ("nvidia.com/gpu.shared", "nvidia"),
        ("nvidia.com/mig-1g.10gb", "nvidia"),
        ("nvidia.com/mig-1g.10gb.shared", "nvidia"),
        ("nvidia.com/pgpu", "nvidia"),
        ("nvidia.com/vgpu", "nvidia"),
        ("nvidia.com/gpumem", "nvidia"),
        ("nvidia.com/gpumem-percentage", "nvidia"),
        ("nvidia.com/gpucores", "nvidia"),
        ("amd.com/gpu", "amd"),
        ("gpu.intel.com/i915", "intel"),
        ("google.com/tpu", "google"),
        ("aws.amazon.com/neuron", "aws"),
        ("aws.amazon.com/neuroncore", "aws"),
        ("habana.ai/gaudi", "habana"),
    ],
)
def test_1_every_known_resource_is_a_gpu_workload(name: str, vendor: str) -> None:
    gpu = gpu_of(pod(resources=limits(**{name: 1})))
    assert gpu == {
        **PLAIN,
        "workload": True,
        "resources": [name],
        "vendors": [vendor],
        "evidence": [
            {
                "test": 1,
                "path": ["spec", "containers", 0, "resources", "limits", name],
                "value": name,
            }
        ],
    }


def test_1_requests_count_and_zero_does_not() -> None:
    gpu = gpu_of(pod(resources={"requests": {"nvidia.com/gpu": 1}}))
    assert gpu["evidence"][0]["path"][-2:] == ["requests", "nvidia.com/gpu"]
    assert gpu_of(pod(resources=limits(**{"nvidia.com/gpu": 0}))) == PLAIN


@pytest.mark.parametrize("field", ["initContainers", "ephemeralContainers"])
def test_1_other_container_lists_count(field: str) -> None:
    other = {"name": "o", "resources": limits(**{"nvidia.com/gpu": 1})}
    assert gpu_of(pod({field: [other]}))["workload"]


def test_1_a_name_that_only_looks_like_one_does_not_count() -> None:
    assert (
        gpu_of(pod(resources=limits(**{"rdma/nvidia.com_gpu": 1, "xnvidia.com/gpu": 1}))) == PLAIN
    )


def test_1_configured_patterns_count() -> None:
    obj = pod(resources=limits(**{"example.com/npu-v2": 1}))
    assert gpu_of(obj) == PLAIN
    gpu = gpu_of(obj, gpu_resources=("example.com/npu-*",))
    assert (gpu["workload"], gpu["vendors"]) == (True, ["example.com"])


def test_2_the_resource_of_a_device_class_counts() -> None:
    prefix = "deviceclass.resource.kubernetes.io/"
    gpu = gpu_of(pod(resources=limits(**{prefix + "gpu.nvidia.com": 1})))
    assert (numbers_of(gpu), gpu["vendors"]) == ([2], ["nvidia"])
    gpu = gpu_of(pod(resources=limits(**{prefix + "whatever": 1})))
    assert (numbers_of(gpu), gpu["vendors"]) == ([2], [])
    assert gpu_of(pod(resources=limits(**{prefix + "dra.net": 1}))) == PLAIN
    nic = pod(resources=limits(**{prefix + "my-nic": 1}))
    assert gpu_of(nic, other_device_classes=("my-*",)) == PLAIN


def test_2_the_extended_resource_name_of_a_device_class_counts() -> None:
    spec = {
        "extendedResourceName": "example.com/accel",
        "selectors": [{"cel": {"expression": "device.driver == 'gpu.amd.com'"}}],
    }
    obj = pod(resources=limits(**{"example.com/accel": 1}))
    assert gpu_of(obj) == PLAIN
    gpu = gpu_of(obj, resource("DeviceClass", "accel", spec))
    assert (numbers_of(gpu), gpu["vendors"]) == ([2], ["amd"])
    spec["selectors"] = [{"cel": {"expression": 'device.driver=="dra.net"'}}]
    assert gpu_of(obj, resource("DeviceClass", "accel", spec)) == PLAIN


CLAIMED = pod({"resourceClaims": [{"name": "g", "resourceClaimTemplateName": "t"}]})


def template(*requests: dict[str, Any]) -> dict[str, Any]:
    spec = {"spec": {"devices": {"requests": list(requests)}}}
    return resource("ResourceClaimTemplate", "t", spec)


@pytest.mark.parametrize(
    "request_",
    [
        {"exactly": {"deviceClassName": "gpu.nvidia.com"}},
        {"firstAvailable": [{"deviceClassName": "dra.net"}, {"deviceClassName": "mig.nvidia.com"}]},
        {"deviceClassName": "gpu.nvidia.com"},
    ],
)
def test_3_a_claim_template_is_followed_to_its_class(request_: dict[str, Any]) -> None:
    gpu = gpu_of(CLAIMED, template(request_))
    assert (gpu["workload"], gpu["vendors"], gpu["unknown"]) == (True, ["nvidia"], None)
    assert gpu["evidence"][0]["path"] == ["spec", "resourceClaims", 0]


def test_3_a_claim_is_looked_up_in_the_pods_namespace() -> None:
    obj = pod({"resourceClaims": [{"name": "g", "resourceClaimName": "own"}]})
    spec = {"devices": {"requests": [{"exactly": {"deviceClassName": "gpu.amd.com"}}]}}
    assert gpu_of(obj, resource("ResourceClaim", "own", spec))["vendors"] == ["amd"]
    elsewhere = resource("ResourceClaim", "own", spec)
    elsewhere["metadata"]["namespace"] = "other"
    assert gpu_of(obj, elsewhere)["unknown"] == "ResourceClaim own is not visible here"


def test_3_a_class_is_decided_by_the_driver_that_it_selects() -> None:
    request = template({"exactly": {"deviceClassName": "fast"}})
    selector = {"selectors": [{"cel": {"expression": 'device.driver == "gpu.intel.com" && true'}}]}
    assert gpu_of(CLAIMED, request, resource("DeviceClass", "fast", selector))["vendors"] == [
        "intel"
    ]
    selector = {"selectors": [{"cel": {"expression": 'device.driver == "dra.net"'}}]}
    assert gpu_of(CLAIMED, request, resource("DeviceClass", "fast", selector)) == PLAIN


def test_3_a_claim_for_a_network_card_is_no_gpu() -> None:
    assert gpu_of(CLAIMED, template({"exactly": {"deviceClassName": "dra.net"}})) == PLAIN


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([], "ResourceClaimTemplate t is not visible here"),
        ([template({"exactly": {"deviceClassName": "x"}})], "DeviceClass x is not visible here"),
        ([template()], "ResourceClaimTemplate t names no DeviceClass"),
        (
            [template({"exactly": {"deviceClassName": "x"}}), resource("DeviceClass", "x", {})],
            "nothing says whether DeviceClass x is of GPUs",
        ),
        (
            [{**template(), "spec": {"spec": ["odd"]}}],
            "ResourceClaimTemplate t names no DeviceClass",
        ),
    ],
)
def test_3_what_can_not_be_resolved_is_unknown_and_never_cpu(
    objects: list[dict[str, Any]], reason: str
) -> None:
    assert gpu_of(CLAIMED, *objects) == {**PLAIN, "unknown": reason}


def test_3_unknown_does_not_matter_where_another_test_decides() -> None:
    obj = pod(CLAIMED["spec"] | {"containers": [{"resources": limits(**{"nvidia.com/gpu": 1})}]})
    gpu = gpu_of(obj)
    assert (gpu["workload"], gpu["unknown"]) == (True, None)


@pytest.mark.parametrize("key", ["gpu-fraction", "gpu-memory"])
def test_4_the_annotations_of_the_kai_scheduler_count(key: str) -> None:
    gpu = gpu_of(pod(annotations={key: "0.5"}))
    assert (gpu["workload"], gpu["resources"], gpu["vendors"]) == (True, [key], ["nvidia"])
    assert gpu["evidence"] == [
        {"test": 4, "path": ["metadata", "annotations", key], "value": f"{key}=0.5"}
    ]


def test_4_the_device_class_of_kserve_counts_as_its_class_does() -> None:
    key = "serving.kserve.io/exp-dra-device-class"
    assert numbers_of(gpu_of(pod(annotations={key: "gpu.nvidia.com"}))) == [4]
    assert gpu_of(pod(annotations={key: "x"}))["unknown"] == "DeviceClass x is not visible here"


def test_4_the_device_class_of_an_llminferenceservice_reaches_its_pods() -> None:
    key = "serving.kserve.io/exp-dra-device-class"
    obj = {
        "apiVersion": "serving.kserve.io/v1alpha2",
        "kind": "LLMInferenceService",
        "metadata": {"name": "chat", "annotations": {key: "gpu.nvidia.com"}},
        "spec": {"template": {"containers": [{"name": "main"}]}},
    }
    gpu = gpu_of(obj)
    assert numbers_of(gpu) == [4]
    assert gpu["evidence"][0]["path"] == ["metadata", "annotations", key]


def test_4_a_bare_gpu_resource_counts() -> None:
    assert numbers_of(gpu_of(pod(resources=limits(gpu="1")))) == [4]


def test_4_the_gpus_of_a_dynamo_component_count_where_they_are_written() -> None:
    obj = {
        "apiVersion": "nvidia.com/v1alpha1",
        "kind": "DynamoGraphDeployment",
        "metadata": {"name": "d"},
        "spec": {"services": {"worker": {"resources": {"limits": {"gpu": "2"}}}}},
    }
    gpu = gpu_of(obj)
    assert (gpu["workload"], gpu["resources"]) == (True, ["nvidia.com/gpu"])
    path = ["spec", "services", "worker", "resources", "limits", "gpu"]
    assert gpu["evidence"][0]["path"] == path


@pytest.mark.parametrize("value", ["all", "0,1", "GPU-fef8089b", "ALL"])
def test_5_visible_devices_are_access_without_accounting(value: str) -> None:
    gpu = gpu_of(pod(env=[{"name": "NVIDIA_VISIBLE_DEVICES", "value": value}]))
    assert (gpu["workload"], gpu["unaccounted"], gpu["vendors"]) == (False, True, ["nvidia"])
    assert gpu["evidence"] == [
        {
            "test": 5,
            "path": ["spec", "containers", 0, "env", 0],
            "value": f"NVIDIA_VISIBLE_DEVICES={value}",
        }
    ]


@pytest.mark.parametrize("value", ["void", "none", "", "NONE"])
def test_5_hidden_devices_are_none(value: str) -> None:
    assert gpu_of(pod(env=[{"name": "NVIDIA_VISIBLE_DEVICES", "value": value}])) == PLAIN
    assert gpu_of(pod(env=[{"name": "NVIDIA_VISIBLE_DEVICES"}])) == PLAIN


def test_5_a_value_from_elsewhere_counts() -> None:
    source = {"fieldRef": {"fieldPath": "metadata.name"}}
    gpu = gpu_of(pod(env=[{"name": "NVIDIA_VISIBLE_DEVICES", "valueFrom": source}]))
    assert gpu["unaccounted"]


@pytest.mark.parametrize("key", ["nvidia.cdi.k8s.io/container.c", "cdi.k8s.io/x"])
def test_5_cdi_annotations_count(key: str) -> None:
    assert numbers_of(gpu_of(pod(annotations={key: "nvidia.com/gpu=all"}))) == [5]


@pytest.mark.parametrize(
    "path",
    ["/dev/nvidia0", "/dev/nvidiactl", "/dev/dri", "/dev/dri/", "/dev//dri/card0", "/dev/kfd"],
)
def test_6_device_files_count(path: str) -> None:
    gpu = gpu_of(pod({"volumes": [{"name": "a"}, {"name": "d", "hostPath": {"path": path}}]}))
    assert gpu["unaccounted"]
    assert gpu["evidence"] == [
        {"test": 6, "path": ["spec", "volumes", 1, "hostPath", "path"], "value": path}
    ]


def test_6_other_host_paths_do_not() -> None:
    for path in ("/dev", "/dev/drive", "/etc/nvidia", "/dev/kfd/x"):
        assert gpu_of(pod({"volumes": [{"name": "d", "hostPath": {"path": path}}]})) == PLAIN


def test_6_a_privileged_container_counts_on_gpu_nodes_only() -> None:
    context = {"privileged": True}
    assert gpu_of(pod(securityContext=context)) == PLAIN
    gpu = gpu_of(pod({"nodeSelector": {"nvidia.com/gpu.present": "true"}}, securityContext=context))
    assert (numbers_of(gpu), gpu["unaccounted"], gpu["suspected"]) == ([6, 8], True, False)


def test_7_the_runtime_class_counts() -> None:
    assert numbers_of(gpu_of(pod({"runtimeClassName": "nvidia-cdi"}))) == [7]
    assert gpu_of(pod({"runtimeClassName": "gvisor"})) == PLAIN


def test_8_placement_alone_is_a_suspicion() -> None:
    toleration = {"key": "nvidia.com/gpu", "operator": "Exists"}
    gpu = gpu_of(pod({"tolerations": [toleration]}))
    assert (gpu["suspected"], gpu["unaccounted"], gpu["workload"]) == (True, False, False)
    gpu = gpu_of(pod({"tolerations": [toleration]}, resources=limits(**{"nvidia.com/gpu": 1})))
    assert (gpu["suspected"], gpu["workload"], numbers_of(gpu)) == (False, True, [1, 8])


def test_8_tolerating_everything_is_no_suspicion() -> None:
    assert gpu_of(pod({"tolerations": [{"operator": "Exists"}]})) == PLAIN


def test_a_gpu_workload_keeps_the_evidence_of_the_weaker_tests() -> None:
    obj = pod(
        {"runtimeClassName": "nvidia"},
        resources=limits(**{"nvidia.com/gpu": 1}),
        env=[{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}],
    )
    gpu = gpu_of(obj)
    assert numbers_of(gpu) == [1, 5, 7]
    assert (gpu["workload"], gpu["unaccounted"]) == (True, False)


def test_the_page_for_readers_names_every_known_name() -> None:
    page = (Path(__file__).parents[3] / "docs" / "gpu-detection.md").read_text()
    rows = (
        *gpu_names.RESOURCES,
        *gpu_names.DEVICE_CLASSES,
        *gpu_names.OTHER_DEVICE_CLASSES,
        *gpu_names.TAINTS,
        *gpu_names.LABELS,
        *gpu_names.INDIRECT_ANNOTATIONS,
        *gpu_names.DEVICE_PATHS,
        *gpu_names.RUNTIME_CLASSES,
    )
    named = {row.pattern if row.pattern != "sku" else "sku=gpu" for row in rows}
    named |= {value for row in gpu_names.LABELS for value in row.values}
    assert sorted(name for name in named if f"`{name}`" not in page) == []
    assert all(row.source for row in rows)


def pod_of(obj: dict[str, Any], *objects: dict[str, Any]) -> dict[str, Any]:
    built = facts.build(obj, workloads.resolve(obj), FactSettings(), Objects(*objects))
    found: dict[str, Any] = built.pods[0]
    return found


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("nvidia.com/gpu", "device"),
        ("nvidia.com/gpu.shared", "shared"),
        ("nvidia.com/mig-1g.10gb", "partition"),
        ("nvidia.com/mig-1g.10gb.shared", "shared"),
        ("nvidia.com/gpumem", "portion"),
        ("amd.com/gpu", "device"),
        ("amd.com/cpx_nps4", "partition"),
        ("amd.com/spx_nps1", "device"),
        ("gpu.intel.com/i915", "device"),
        ("gpu.intel.com/millicores", "portion"),
        ("google.com/tpu", "device"),
        ("aws.amazon.com/neuroncore", "partition"),
        ("habana.ai/gaudi", "device"),
        ("deviceclass.resource.kubernetes.io/gpu.nvidia.com", "claimed"),
    ],
)
def test_a_resource_says_what_its_unit_is(name: str, form: str) -> None:
    (container,) = pod_of(pod(resources=limits(**{name: 1})))["containers"]
    assert [gpu["form"] for gpu in container["gpus"]] == [form]
    assert container["devices"] == (0 if form == "portion" else 1)


def test_a_container_without_accelerators_has_no_count_of_them() -> None:
    (container,) = pod_of(pod(resources=limits(cpu=1)))["containers"]
    assert "devices" not in container
    assert "server" not in container


def claiming(*claims: dict[str, Any], **amounts: Any) -> dict[str, Any]:
    resources = {"claims": list(claims) or [{"name": "g"}], "limits": amounts}
    return pod(CLAIMED["spec"] | {"containers": [{"name": "c", "resources": resources}]})


TWO = {"name": "big", "exactly": {"deviceClassName": "gpu.nvidia.com", "count": 2}}
ALL = {"exactly": {"deviceClassName": "gpu.nvidia.com", "allocationMode": "All"}}
NIC = {"name": "nic", "exactly": {"deviceClassName": "dra.net", "count": 4}}
EITHER = {
    "firstAvailable": [
        {"name": "h200", "deviceClassName": "gpu.nvidia.com"},
        {"name": "h100", "deviceClassName": "gpu.nvidia.com", "count": 2},
    ]
}


@pytest.mark.parametrize(
    ("requests", "count"),
    [
        ([TWO], 2),
        ([TWO, NIC], 2),
        ([NIC], 0),
        ([ALL], None),
        ([EITHER], None),
        ([{"deviceClassName": "gpu.amd.com", "count": 3}], 3),
        ([{"exactly": {"deviceClassName": "x"}}], None),
        ([{"exactly": {"deviceClassName": "gpu.amd.com", "count": "3"}}], None),
        ([{"exactly": {"deviceClassName": "gpu.amd.com", "count": -1}}], None),
        ([{"exactly": {"deviceClassName": "gpu.amd.com", "count": 10**30}}], None),
        ([], None),
    ],
)
def test_the_devices_of_a_claim_are_counted(requests: list[Any], count: int | None) -> None:
    (container,) = pod_of(claiming(), template(*requests))["containers"]
    assert container["devices"] == count


def test_a_container_may_use_one_request_of_a_claim() -> None:
    for request, count in (("big", 2), ("nic", 0), ("none", None)):
        obj = claiming({"name": "g", "request": request})
        assert pod_of(obj, template(TWO, NIC))["containers"][0]["devices"] == count
    both = claiming({"name": "g"}, **{"nvidia.com/gpu": 1})
    assert pod_of(both, template(TWO))["containers"][0]["devices"] == 3
    assert pod_of(claiming({"name": "other"}), template(TWO))["containers"][0]["devices"] is None


def test_claims_say_what_is_known_of_them() -> None:
    path = ["spec", "resourceClaims", 0]
    known = {"name": "g", "path": path, "gpu": True, "why": None, "sharing": []}
    assert pod_of(CLAIMED, template(TWO))["claims"] == [known]
    assert pod_of(CLAIMED, template(NIC))["claims"] == [{**known, "gpu": False}]
    why = "ResourceClaimTemplate t is not visible here"
    assert pod_of(CLAIMED)["claims"] == [{**known, "gpu": None, "why": why}]
    assert "claims" not in pod_of(pod())


@pytest.mark.parametrize("config", [[{"opaque": "odd"}], "odd", [1], [{"opaque": {}}]])
def test_drivers_parameters_may_have_any_shape(config: Any) -> None:
    asked = template(TWO)
    asked["spec"]["spec"]["devices"]["config"] = config
    assert pod_of(CLAIMED, asked)["claims"][0]["sharing"] == []


def test_the_sharing_that_a_claim_or_its_class_asks_for() -> None:
    parameters = {"kind": "GpuConfig", "sharing": {"strategy": "TimeSlicing"}}
    config = [{"opaque": {"driver": "gpu.nvidia.com", "parameters": parameters}}]
    asked = template(TWO)
    asked["spec"]["spec"]["devices"]["config"] = config
    assert pod_of(CLAIMED, asked)["claims"][0]["sharing"] == ["TimeSlicing"]
    device_class = resource("DeviceClass", "gpu.nvidia.com", {"config": config})
    assert pod_of(CLAIMED, template(TWO), device_class)["claims"][0]["sharing"] == ["TimeSlicing"]


@pytest.mark.parametrize(
    ("name", "vendor"), [("AMD_VISIBLE_DEVICES", "amd"), ("HABANA_VISIBLE_DEVICES", "habana")]
)
def test_5_other_vendors_runtimes_have_such_a_variable(name: str, vendor: str) -> None:
    gpu = gpu_of(pod(env=[{"name": name, "value": "all"}]))
    assert (gpu["unaccounted"], gpu["vendors"]) == (True, [vendor])
    assert gpu_of(pod(env=[{"name": name, "value": "void"}])) == PLAIN


def test_6_a_privileged_container_of_a_gpu_workload_counts() -> None:
    context = {"privileged": True}
    gpu = gpu_of(pod(resources=limits(**{"nvidia.com/gpu": 1}), securityContext=context))
    assert (numbers_of(gpu), gpu["workload"]) == ([1, 6], True)


def test_4_the_resource_profile_of_a_kubeai_model_counts_where_it_is_written() -> None:
    spec = {"engine": "VLLM", "url": "hf://org/m", "resourceProfile": "nvidia-gpu-l4:2"}
    obj = {"apiVersion": "kubeai.org/v1", "kind": "Model", "metadata": {"name": "m"}, "spec": spec}
    gpu = gpu_of(obj)
    assert (gpu["workload"], gpu["resources"]) == (True, ["nvidia.com/gpu"])
    assert gpu["evidence"][0]["path"] == ["spec", "resourceProfile"]
    obj["spec"] = {**spec, "resourceProfile": "cpu:2"}
    assert gpu_of(obj) == PLAIN


GPU_TOLERATION = {"tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}]}


def test_2_a_resource_that_nobody_knows_may_be_that_of_a_device_class() -> None:
    obj = pod(GPU_TOLERATION, resources=limits(**{"example.com/accel": 1}))
    gpu = gpu_of(obj)
    assert gpu["unknown"] == "nothing here says whether example.com/accel is a GPU"
    assert (gpu["suspected"], gpu["workload"]) == (True, False)
    spec = {"extendedResourceName": "example.com/accel"}
    assert gpu_of(obj, resource("DeviceClass", "dra.net", spec))["unknown"] is None
    assert gpu_of(obj, resource("DeviceClass", "gpu.nvidia.com", spec))["workload"]


@pytest.mark.parametrize(
    "name",
    ["rdma/hca_shared", "nvidia.com/rdma_shared_device_a", "vpc.amazonaws.com/efa", "memory"],
)
def test_2_known_resources_of_other_devices_are_no_doubt(name: str) -> None:
    assert gpu_of(pod(GPU_TOLERATION, resources=limits(**{name: 1})))["unknown"] is None


def test_2_without_any_sign_of_a_gpu_an_unknown_resource_is_none() -> None:
    assert gpu_of(pod(resources=limits(**{"example.com/accel": 1}))) == PLAIN
    assert (
        gpu_of(pod(GPU_TOLERATION, resources=limits(**{"example.com/accel": 0})))["unknown"] is None
    )
