"""Custom resources that describe pods in a form of their own."""

from __future__ import annotations

from typing import Any

import pytest

from karb_guard.model.path import format_path
from karb_guard.workloads import Template, Workload, resolve

GPU_TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists"}


def custom(api_version: str, kind: str, spec: dict[str, Any], **metadata: Any) -> Workload:
    return resolve(
        {
            "apiVersion": api_version,
            "kind": kind,
            "metadata": {"name": "chat", **metadata},
            "spec": spec,
        }
    )


def only(workload: Workload) -> Template:
    assert len(workload.templates) == 1
    return workload.templates[0]


def at(workload: Workload, *path: str | int) -> str:
    return format_path(workload.written(path))


def isvc(spec: dict[str, Any], **metadata: Any) -> Workload:
    return custom("serving.kserve.io/v1beta1", "InferenceService", spec, **metadata)


class TestKserve:
    def test_server_takes_the_name_that_the_runtime_gives_it(self) -> None:
        template = only(isvc({"predictor": {"sklearn": {"storageUri": "s3://m"}}}))
        assert [c.name for c in template.containers] == ["kserve-container"]
        assert template.containers[0].spec["storageUri"] == "s3://m"

    def test_pod_spec_view_holds_no_server_and_no_extension(self) -> None:
        predictor = {
            "model": {},
            "minReplicas": 0,
            "logger": {},
            "workerSpec": None,
            "tolerations": [GPU_TOLERATION],
        }
        template = only(isvc({"predictor": predictor}))
        assert template.spec == {"tolerations": [GPU_TOLERATION]}

    def test_limit_missing_on_the_model_is_placed_on_the_model(self) -> None:
        workload = isvc({"predictor": {"model": {"resources": {}}}})
        path = only(workload).containers[0].written(("resources", "limits", "memory"))
        assert format_path(path) == "spec.predictor.model.resources.limits.memory"

    def test_annotation_of_the_component_wins_over_the_service(self) -> None:
        workload = isvc(
            {"predictor": {"model": {}, "annotations": {"a": "component"}}},
            annotations={"a": "service", "b": "service"},
        )
        template = only(workload)
        assert template.annotations == {"a": "component", "b": "service"}
        assert format_path(template.annotation_path("a")) == "spec.predictor.annotations.a"
        assert format_path(template.annotation_path("b")) == "metadata.annotations.b"
        assert format_path(template.annotation_path("c")) == "spec.predictor.annotations.c"

    def test_custom_predictor_is_not_open(self) -> None:
        template = only(isvc({"predictor": {"containers": [{"name": "x", "image": "i"}]}}))
        assert [c.open for c in template.containers] == [False]


def workflow(spec: dict[str, Any]) -> Workload:
    return custom("argoproj.io/v1alpha1", "Workflow", spec)


class TestArgo:
    def test_workflow_tolerations_apply_where_the_template_has_none(self) -> None:
        workload = workflow(
            {"tolerations": [GPU_TOLERATION], "templates": [{"container": {}, "tolerations": []}]}
        )
        assert only(workload).spec["tolerations"] == [GPU_TOLERATION]
        assert at(workload, "spec", "templates", 0, "tolerations", 0, "key") == (
            "spec.tolerations[0].key"
        )

    def test_template_tolerations_replace_the_workflows(self) -> None:
        own = {"key": "own", "operator": "Exists"}
        workload = workflow(
            {
                "tolerations": [GPU_TOLERATION],
                "templates": [{"container": {}, "tolerations": [own]}],
            }
        )
        assert only(workload).spec["tolerations"] == [own]
        assert at(workload, "spec", "templates", 0, "tolerations", 0) == (
            "spec.templates[0].tolerations[0]"
        )

    def test_priority_class_has_another_name_in_the_workflow(self) -> None:
        workload = workflow({"podPriorityClassName": "high", "templates": [{"container": {}}]})
        assert only(workload).spec["priorityClassName"] == "high"
        assert at(workload, "spec", "templates", 0, "priorityClassName") == (
            "spec.podPriorityClassName"
        )

    def test_host_network_exists_at_the_workflow_only(self) -> None:
        workload = workflow(
            {"hostNetwork": True, "templates": [{"container": {}, "hostNetwork": False}]}
        )
        assert only(workload).spec["hostNetwork"] is True
        assert at(workload, "spec", "templates", 0, "hostNetwork") == "spec.hostNetwork"

    def test_volumes_of_both_levels_are_there_each_with_its_own_path(self) -> None:
        workload = workflow(
            {
                "volumes": [{"name": "shared", "hostPath": {"path": "/"}}],
                "templates": [{"container": {}, "volumes": [{"name": "own"}]}],
            }
        )
        assert [v["name"] for v in only(workload).spec["volumes"]] == ["own", "shared"]
        base = ("spec", "templates", 0, "volumes")
        assert at(workload, *base, 0, "name") == "spec.templates[0].volumes[0].name"
        assert at(workload, *base, 1, "hostPath", "path") == "spec.volumes[0].hostPath.path"

    def test_template_defaults_stand_between_template_and_workflow(self) -> None:
        workload = workflow(
            {
                "nodeSelector": {"from": "workflow"},
                "templateDefaults": {"nodeSelector": {"from": "defaults"}},
                "templates": [{"container": {"image": "i"}}],
            }
        )
        template = only(workload)
        assert template.spec["nodeSelector"] == {"from": "defaults"}
        assert template.containers[0].open
        assert at(workload, "spec", "templates", 0, "nodeSelector", "from") == (
            "spec.templateDefaults.nodeSelector.from"
        )

    def test_a_patch_opens_the_containers(self) -> None:
        plain = only(workflow({"templates": [{"container": {"image": "i"}}]}))
        patched = only(
            workflow({"podSpecPatch": "{}", "templates": [{"container": {"image": "i"}}]})
        )
        assert (plain.containers[0].open, patched.containers[0].open) == (False, True)

    def test_steps_and_resource_templates_describe_no_pod(self) -> None:
        workload = workflow({"templates": [{"steps": [[]]}, {"resource": {}}, {"suspend": {}}]})
        assert workload.templates == ()


def nim(**spec: Any) -> Workload:
    return custom("apps.nvidia.com/v1alpha1", "NIMService", spec)


class TestNim:
    def test_image_is_put_together_and_leads_to_its_tag(self) -> None:
        workload = nim(image={"repository": "nvcr.io/nim/llama", "tag": "1.0"})
        assert only(workload).containers[0].spec["image"] == "nvcr.io/nim/llama:1.0"
        assert at(workload, "spec", "image") == "spec.image.tag"

    def test_image_without_a_tag_has_none(self) -> None:
        workload = nim(image={"repository": "nvcr.io/nim/llama"})
        assert only(workload).containers[0].spec["image"] == "nvcr.io/nim/llama"
        assert at(workload, "spec", "image") == "spec.image.tag"

    def test_image_of_the_wrong_type_is_a_misfit(self) -> None:
        workload = nim(image="nvcr.io/nim/llama:1.0")
        assert "image" not in only(workload).containers[0].spec
        assert [(format_path(m.path), m.expected, m.got) for m in workload.misfits] == [
            ("spec.image", "object", "string")
        ]

    def test_users_become_the_security_context(self) -> None:
        workload = nim(image={}, userID=0, groupID=5)
        context = only(workload).spec["securityContext"]
        assert context == {"runAsUser": 0, "runAsGroup": 5, "fsGroup": 5}
        assert at(workload, "spec", "securityContext", "runAsUser") == "spec.userID"

    def test_host_path_becomes_a_volume_that_leads_back(self) -> None:
        workload = nim(image={}, storage={"hostPath": "/models", "readOnly": True})
        template = only(workload)
        assert template.spec["volumes"][0]["hostPath"] == {"path": "/models"}
        assert template.containers[0].spec["volumeMounts"][0]["readOnly"] is True
        assert at(workload, "spec", "volumes", 0, "hostPath", "path") == "spec.storage.hostPath"
        assert at(workload, "spec", "volumeMounts", 0) == "spec.storage.readOnly"

    def test_claim_without_a_name_gets_the_operators(self) -> None:
        template = only(nim(image={}, storage={"pvc": {"create": True}}))
        claim = template.spec["volumes"][0]["persistentVolumeClaim"]
        assert claim == {"claimName": "chat-pvc"}

    def test_own_probe_leads_to_its_probe_and_a_disabled_one_is_absent(self) -> None:
        probe = {"httpGet": {"path": "/ready", "port": 8000}}
        workload = nim(
            image={},
            readinessProbe={"probe": probe},
            livenessProbe={"enabled": False, "probe": probe},
        )
        container = only(workload).containers[0]
        assert container.spec["readinessProbe"] == probe
        assert "livenessProbe" not in container.spec
        assert at(workload, "spec", "readinessProbe", "httpGet") == (
            "spec.readinessProbe.probe.httpGet"
        )

    def test_device_claims_are_resource_claims(self) -> None:
        workload = nim(
            image={}, draResources=[{"resourceClaimTemplateName": "gpu"}, {"claimCreationSpec": {}}]
        )
        assert only(workload).spec["resourceClaims"] == [
            {"name": "claim-0", "resourceClaimTemplateName": "gpu"},
            {"name": "claim-1"},
        ]
        assert at(workload, "spec", "resourceClaims", 0) == "spec.draResources[0]"

    def test_toleration_stands_where_it_was_written(self) -> None:
        workload = nim(image={}, tolerations=[GPU_TOLERATION])
        assert only(workload).spec["tolerations"] == [GPU_TOLERATION]
        assert at(workload, "spec", "tolerations", 0) == "spec.tolerations[0]"


def component(**service: Any) -> Workload:
    return custom("nvidia.com/v1alpha1", "DynamoGraphDeployment", {"services": {"W": service}})


class TestDynamo:
    def test_gpu_count_becomes_the_device_resource(self) -> None:
        workload = component(resources={"limits": {"gpu": "2", "custom": {"rdma/ib": "1"}}})
        main = only(workload).containers[0]
        assert main.spec["resources"]["limits"] == {"nvidia.com/gpu": "2", "rdma/ib": "1"}
        base = ("resources", "limits")
        assert format_path(main.written((*base, "nvidia.com/gpu"))) == (
            "spec.services.W.resources.limits.gpu"
        )
        assert format_path(main.written((*base, "rdma/ib"))) == (
            'spec.services.W.resources.limits.custom["rdma/ib"]'
        )
        assert format_path(main.written((*base, "memory"))) == (
            "spec.services.W.resources.limits.memory"
        )

    def test_gpu_type_names_the_resource(self) -> None:
        workload = component(resources={"limits": {"gpu": "1", "gpuType": "gpu.intel.com/xe"}})
        main = only(workload).containers[0]
        assert main.spec["resources"]["limits"] == {"gpu.intel.com/xe": "1"}

    def test_main_container_wins_over_the_component(self) -> None:
        workload = component(
            resources={"limits": {"memory": "1Gi", "cpu": "1"}},
            extraPodSpec={"mainContainer": {"resources": {"limits": {"memory": "2Gi"}}}},
        )
        main = only(workload).containers[0]
        assert main.spec["resources"]["limits"] == {"memory": "2Gi", "cpu": "1"}
        memory = main.written(("resources", "limits", "memory"))
        assert format_path(memory) == (
            "spec.services.W.extraPodSpec.mainContainer.resources.limits.memory"
        )
        cpu = main.written(("resources", "limits", "cpu"))
        assert format_path(cpu) == "spec.services.W.resources.limits.cpu"

    def test_environment_of_both_levels_is_there(self) -> None:
        workload = component(
            envs=[{"name": "B"}], extraPodSpec={"mainContainer": {"env": [{"name": "A"}]}}
        )
        main = only(workload).containers[0]
        assert [e["name"] for e in main.spec["env"]] == ["A", "B"]
        assert format_path(main.written(("env", 1, "name"))) == "spec.services.W.envs[0].name"

    def test_component_that_says_nothing_of_its_pods_has_no_template(self) -> None:
        assert component(componentType="frontend").templates == ()

    def test_graph_of_v1beta1_has_components(self) -> None:
        pod = {"spec": {"containers": [{"name": "main"}]}}
        workload = custom(
            "nvidia.com/v1beta1",
            "DynamoGraphDeployment",
            {"components": [{"name": "w", "podTemplate": pod}], "labels": {"team": "speech"}},
        )
        template = only(workload)
        assert format_path(template.path) == "spec.components[0].podTemplate.spec"
        assert template.labels == {"team": "speech"}

    def test_component_of_v1alpha1_is_the_spec_itself(self) -> None:
        workload = custom(
            "nvidia.com/v1alpha1",
            "DynamoComponentDeployment",
            {"resources": {"limits": {"gpu": "1"}}},
        )
        assert format_path(only(workload).path) == "spec"


class TestTrainer:
    def test_resources_per_node_lead_back(self) -> None:
        workload = custom(
            "trainer.kubeflow.org/v1alpha1",
            "TrainJob",
            {"trainer": {"resourcesPerNode": {"limits": {"memory": "1Gi"}}}},
        )
        assert at(workload, "spec", "trainer", "resources", "limits", "memory") == (
            "spec.trainer.resourcesPerNode.limits.memory"
        )

    def test_job_that_leaves_all_to_the_runtime_has_no_template(self) -> None:
        workload = custom("trainer.kubeflow.org/v1alpha1", "TrainJob", {"runtimeRef": {}})
        assert workload.templates == ()


def test_a_path_through_no_view_comes_back_as_it_is() -> None:
    workload = custom("apps/v1", "Deployment", {"template": {"spec": {"containers": []}}})
    assert workload.written(("spec", "replicas")) == ("spec", "replicas")


@pytest.mark.parametrize(
    ("profile", "limits"),
    [
        ("nvidia-gpu-l4:2", {"nvidia.com/gpu": 2}),
        ("gpu:1", {"nvidia.com/gpu": 1}),
        ("amd-gpu-mi300x:8", {"amd.com/gpu": 8}),
        ("google-tpu-v5e-1x1:1", {"google.com/tpu": 1}),
        ("cpu:4", None),
        ("large:1", None),
        ("nvidia-gpu-l4", None),
        ("nvidia-gpu-l4:0", None),
        ("nvidia-gpu-l4:1.5", None),
        (None, None),
    ],
)
def test_a_kubeai_model_asks_for_what_its_profile_is_called(profile: Any, limits: Any) -> None:
    spec = {"resourceProfile": profile, "env": {"A": "1", "B": None}}
    workload = custom("kubeai.org/v1", "Model", spec)
    (container,) = workload.templates[0].containers
    assert container.spec.get("resources", {}).get("limits") == limits
    assert container.spec["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": ""}]
    assert container.written(("env", 1, "value")) == ("spec", "env", "B")
    assert not workload.misfits


def test_a_kubeai_model_of_wrong_types_is_a_misfit_and_no_crash() -> None:
    spec = {"resourceProfile": 4, "env": ["A=1"]}
    workload = custom("kubeai.org/v1", "Model", spec)
    assert {format_path(misfit.path) for misfit in workload.misfits} == {
        "spec.resourceProfile",
        "spec.env",
    }
