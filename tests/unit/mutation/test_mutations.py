"""Each mutation: what it adds, and when it keeps its hands off."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from karb_guard.facts.settings import FactSettings
from karb_guard.mutation.changes import Kind
from karb_guard.mutation.labels import forbidden
from karb_guard.mutation.mutator import Mutation, Mutator
from karb_guard.mutation.options import MutationOptions, Taints
from karb_guard.mutation.record import ANNOTATION, MAX_CHARACTERS
from tests.support.json_patch import applied
from tests.support.mutation_pods import EVERYTHING_ON, LABELS, TAINTS, container, pod

Json = dict[str, Any]
BY_DEFAULT = MutationOptions(enabled=True, taints=TAINTS)
SHM = "/dev/shm"  # noqa: S108


def mutate(
    obj: Json, options: MutationOptions = EVERYTHING_ON, labels: Any = LABELS
) -> tuple[Mutation, Json]:
    mutation = Mutator(options, settings=FactSettings()).mutate(obj, "inference", labels)
    return mutation, applied(obj, mutation.patch)


def kinds(obj: Json, options: MutationOptions = EVERYTHING_ON) -> set[Kind]:
    return {change.kind for change in mutate(obj, options)[0].changes}


def test_a_gpu_pod_by_default() -> None:
    _, after = mutate(pod(container(gpus=1)), BY_DEFAULT)
    spec = after["spec"]
    assert spec["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    ]
    assert spec["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}
    assert spec["containers"][0]["securityContext"] == {"allowPrivilegeEscalation": False}
    assert after["metadata"]["annotations"] == {
        ANNOTATION: "gpu-toleration(nvidia.com/gpu:NoSchedule) seccomp-profile(RuntimeDefault) "
        "no-privilege-escalation(server)"
    }
    assert "volumes" not in spec
    assert "labels" not in after["metadata"]
    assert spec["containers"][0]["resources"] == {"limits": {"nvidia.com/gpu": "1"}}


def test_everything_off_changes_nothing() -> None:
    off = MutationOptions(
        enabled=True, gpu_toleration=False, seccomp_profile=False, no_privilege_escalation=False
    )
    assert mutate(pod(container(gpus=2)), off)[0] == Mutation()
    assert mutate(pod(container(gpus=2)), MutationOptions())[0].skipped == "mutation is off here"


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"gpu_toleration": False}, Kind.GPU_TOLERATION),
        ({"seccomp_profile": False}, Kind.SECCOMP_PROFILE),
        ({"no_privilege_escalation": False}, Kind.PRIVILEGE_ESCALATION),
        ({"shared_memory_milli": 0}, Kind.SHARED_MEMORY),
        ({"cpu_per_gpu_milli": 0}, Kind.CPU_REQUEST),
        ({"namespace_labels": ()}, Kind.NAMESPACE_LABEL),
    ],
)
def test_each_has_a_switch_of_its_own(options: Json, kind: Kind) -> None:
    obj = pod(container(gpus=2))
    assert kinds(obj) == set(Kind)
    assert kinds(obj, replace(EVERYTHING_ON, **options)) == set(Kind) - {kind}


def test_without_the_annotation() -> None:
    _, after = mutate(pod(), replace(BY_DEFAULT, annotate=False))
    assert "annotations" not in after["metadata"]


def test_namespaces_switch_by_the_first_entry_that_speaks() -> None:
    mutator = Mutator(
        MutationOptions(seccomp_profile=False),
        [("team-a", {"enabled": True}), ("team-*", {"enabled": False, "seccomp_profile": True})],
    )
    assert mutator.may_change
    assert mutator.options_in("team-a") == MutationOptions(enabled=True, seccomp_profile=True)
    assert not mutator.options_in("team-b").enabled
    assert not mutator.options_in("other").enabled
    assert not Mutator(MutationOptions()).may_change


# --- tolerations


def tolerations(obj: Json, taints: Taints = TAINTS) -> list[Json]:
    options = replace(BY_DEFAULT, taints=taints)
    return list(mutate(obj, options)[1]["spec"].get("tolerations") or [])


@pytest.mark.parametrize(
    ("resource", "key"),
    [
        ("nvidia.com/gpu", "nvidia.com/gpu"),
        ("nvidia.com/mig-1g.5gb", "nvidia.com/gpu"),
        ("amd.com/gpu", "amd.com/gpu"),
        ("example.com/nic", None),
        ("gpu.intel.com/i915", None),
    ],
)
def test_the_toleration_belongs_to_the_resource(resource: str, key: str | None) -> None:
    made = container(resources={"limits": {resource: "1"}})
    assert [t["key"] for t in tolerations(pod(made))] == ([key] if key else [])


@pytest.mark.parametrize(
    "toleration",
    [
        {"key": "nvidia.com/gpu", "operator": "Exists"},
        {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"},
        {"operator": "Exists"},
        {"operator": "Exists", "effect": "NoSchedule"},
    ],
)
def test_a_pod_that_tolerates_the_taint_is_left_alone(toleration: Json) -> None:
    assert tolerations(pod(container(gpus=1), tolerations=[toleration])) == [toleration]


def test_other_tolerations_stay() -> None:
    others = [{"key": "x", "operator": "Exists"}, {"key": "nvidia.com/gpu", "effect": "NoExecute"}]
    found = tolerations(pod(container(gpus=1), tolerations=others))
    assert found[:2] == others
    assert found[2:] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]


@pytest.mark.parametrize(
    "obj",
    [
        pod(),
        pod(container(env=[{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}])),
        pod(runtimeClassName="nvidia"),
        pod(nodeSelector={"accelerator": "a100"}),
        pod(container(resources={"limits": {"nvidia.com/gpu": "0"}})),
    ],
)
def test_a_pod_that_requests_no_gpu_gets_none(obj: Json) -> None:
    assert tolerations(obj) == []


def test_taints_are_those_of_the_invariants_parameters() -> None:
    taints = Taints({"nvidia": "example.com/pool"}, "NoExecute")
    wanted = [{"key": "example.com/pool", "operator": "Exists", "effect": "NoExecute"}]
    assert tolerations(pod(container(gpus=1)), taints) == wanted


def test_what_the_cluster_adds_itself_is_left_to_it() -> None:
    on_gke = pod(container(gpus=1), nodeSelector={"cloud.google.com/gke-accelerator": "nvidia-l4"})
    assert tolerations(on_gke) == []
    tpu = pod(container(resources={"limits": {"google.com/tpu": "4"}}))
    assert tolerations(tpu) == []
    assert tolerations(pod(container(gpus=1)), replace(TAINTS, injected=True)) == []
    mig = pod(container(resources={"limits": {"nvidia.com/mig-1g.5gb": "1"}}))
    assert len(tolerations(mig, replace(TAINTS, injected=True))) == 1, "named after the resource"


# --- seccomp and privilege escalation

WINDOWS: list[Json] = [
    {"os": {"name": "windows"}},
    {"nodeSelector": {"kubernetes.io/os": "windows"}},
    {"securityContext": {"windowsOptions": {"runAsUserName": "x"}}},
]


@pytest.mark.parametrize("spec", WINDOWS)
def test_windows_gets_no_linux_field(spec: Json) -> None:
    linux = {Kind.SECCOMP_PROFILE, Kind.PRIVILEGE_ESCALATION, Kind.SHARED_MEMORY}
    assert not kinds(pod(container(gpus=2), **spec)) & linux


@pytest.mark.parametrize(
    "obj",
    [
        pod(securityContext={"seccompProfile": {"type": "Unconfined"}}),
        pod(container(securityContext={"seccompProfile": {"type": "Unconfined"}})),
        pod(metadata={"annotations": {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}}),
        pod(
            metadata={"annotations": {"container.seccomp.security.alpha.kubernetes.io/server": "x"}}
        ),
    ],
)
def test_a_chosen_seccomp_profile_stays(obj: Json) -> None:
    assert Kind.SECCOMP_PROFILE not in kinds(obj)


def test_the_pods_profile_leaves_containers_their_own() -> None:
    own = container("a", securityContext={"seccompProfile": {"type": "Unconfined"}})
    _, after = mutate(pod(own, container("b"), securityContext={"runAsUser": 5}))
    assert after["spec"]["securityContext"] == {
        "runAsUser": 5,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    kept = after["spec"]["containers"][0]["securityContext"]
    assert kept == {"seccompProfile": {"type": "Unconfined"}, "allowPrivilegeEscalation": False}


@pytest.mark.parametrize(
    "context",
    [
        {"allowPrivilegeEscalation": True},
        {"allowPrivilegeEscalation": False},
        {"privileged": True},
        {"capabilities": {"add": ["SYS_ADMIN"]}},
        {"capabilities": {"add": ["CAP_SYS_ADMIN"]}},
        {"capabilities": {"add": ["sys_admin"]}},
        {"capabilities": {"add": ["ALL"]}},
    ],
)
def test_what_was_chosen_or_needs_privileges_stays(context: Json) -> None:
    _, after = mutate(pod(container(securityContext=context)))
    assert after["spec"]["containers"][0]["securityContext"] == context


def test_every_container_is_told_on_its_own() -> None:
    obj = pod(
        container("a", securityContext=None),
        container("b", securityContext={"privileged": True}),
        initContainers=[container("i"), container("s", restartPolicy="Always")],
        ephemeralContainers=[container("e")],
    )
    mutation, after = mutate(obj, BY_DEFAULT)
    named = [c.detail for c in mutation.changes if c.kind is Kind.PRIVILEGE_ESCALATION]
    assert sorted(named) == ["a", "e", "i", "s"]
    assert after["spec"]["initContainers"][1]["securityContext"] == {
        "allowPrivilegeEscalation": False
    }


# --- shared memory


def test_shared_memory_is_for_all_containers_of_the_pod() -> None:
    server = container(gpus=2, volumeMounts=[{"name": "data", "mountPath": "/data"}])
    _, after = mutate(pod(server, container("sidecar"), initContainers=[container("i")]))
    spec = after["spec"]
    assert spec["volumes"] == [
        {"name": "karb-shm", "emptyDir": {"medium": "Memory", "sizeLimit": "8192Mi"}}
    ]
    mount = {"name": "karb-shm", "mountPath": SHM}
    assert spec["containers"][0]["volumeMounts"] == [{"name": "data", "mountPath": "/data"}, mount]
    assert spec["containers"][1]["volumeMounts"] == [mount]
    assert spec["initContainers"][0]["volumeMounts"] == [mount]


@pytest.mark.parametrize(
    "obj",
    [
        pod(container(gpus=1)),
        pod(container("a", gpus=1), container("b", gpus=1)),
        pod(container(gpus=2), hostIPC=True),
        pod(container(gpus=2, volumeMounts=[{"name": "mine", "mountPath": SHM + "/"}])),
        pod(container(resources={"limits": {"google.com/tpu": "4"}})),
        pod(container(resources={"limits": {"nvidia.com/gpu": "2", "memory": "120Mi"}})),
    ],
)
def test_no_shared_memory_where_it_is_not_needed_or_does_not_fit(obj: Json) -> None:
    assert Kind.SHARED_MEMORY not in kinds(obj)


@pytest.mark.parametrize(
    ("limits", "pod_limit", "size"),
    [({"memory": "64Gi"}, None, "8192Mi"), ({"memory": "4Gi"}, None, "2048Mi"),
     ({}, "4Gi", "2048Mi"), ({"memory": "1Gi"}, "64Gi", "512Mi")],
)  # fmt: skip
def test_its_size_is_at_most_half_of_the_memory_limit(
    limits: Json, pod_limit: str | None, size: str
) -> None:
    spec = {"resources": {"limits": {"memory": pod_limit}}} if pod_limit else {}
    made = container(resources={"limits": {"nvidia.com/gpu": "2", **limits}})
    (volume,) = mutate(pod(made, **spec))[1]["spec"]["volumes"]
    assert volume["emptyDir"]["sizeLimit"] == size


@pytest.mark.parametrize("medium", [{}, {"medium": "Memory"}])
def test_a_taken_name_is_not_used(medium: Json) -> None:
    """Ours has a bound; one without would be mounted with none."""
    taken = {"name": "karb-shm", "emptyDir": medium}
    _, after = mutate(pod(container(gpus=2), volumes=[taken]))
    assert after["spec"]["volumes"][0] == taken
    assert after["spec"]["volumes"][1]["name"] == "karb-shm-0"


def test_a_container_that_another_webhook_adds_shares_it_too() -> None:
    _, first = mutate(pod(container(gpus=2)))
    first["spec"]["containers"].append(container("injected"))
    _, second = mutate(first)
    assert len(second["spec"]["volumes"]) == 1
    assert second["spec"]["containers"][1]["volumeMounts"] == [
        {"name": "karb-shm", "mountPath": SHM}
    ]
    assert second["metadata"]["annotations"][ANNOTATION].endswith(
        " no-privilege-escalation(injected) shared-memory(injected)"
    )


# --- CPU


@pytest.mark.parametrize(("gpus", "amount"), [(1, "1500m"), (2, "3"), (8, "12")])
def test_cpu_follows_the_number_of_gpus(gpus: int, amount: str) -> None:
    options = replace(EVERYTHING_ON, cpu_per_gpu_milli=1500)
    _, after = mutate(pod(container(gpus=gpus), container("sidecar")), options)
    first, second = after["spec"]["containers"]
    assert first["resources"] == {
        "limits": {"nvidia.com/gpu": str(gpus)},
        "requests": {"cpu": amount},
    }
    assert "resources" not in second


@pytest.mark.parametrize(
    "obj",
    [
        pod(container(resources={"limits": {"nvidia.com/gpu": "1", "cpu": "2"}})),
        pod(container(resources={"limits": {"nvidia.com/gpu": "1"}, "requests": {"cpu": "0"}})),
        pod(container(gpus=1), resources={"requests": {"cpu": "4"}}),
        pod(container(gpus=1), resources={"limits": {"cpu": "4"}}),
        pod(container(resources={"limits": {"nvidia.com/gpumem": "4000"}})),
        pod(),
    ],
)
def test_a_cpu_that_is_named_anywhere_stays(obj: Json) -> None:
    assert Kind.CPU_REQUEST not in kinds(obj)


# --- labels


def test_labels_come_from_the_namespace_and_overwrite_nothing() -> None:
    obj = pod(metadata={"labels": {"team": "own"}})
    assert mutate(obj)[1]["metadata"]["labels"] == {"team": "own", "karb.dev/owner": "ml-platform"}
    written = pod(metadata={"annotations": {"karb.dev/owner": "other"}})
    assert mutate(written)[1]["metadata"]["labels"] == {"team": "serving"}


def test_unknown_namespaces_give_no_labels() -> None:
    mutation, _ = mutate(pod(), labels=None)
    assert not [c for c in mutation.changes if c.kind is Kind.NAMESPACE_LABEL]


@pytest.mark.parametrize(
    "key",
    [
        "karb.dev/slo-p95-latency",
        "example.com/slo-cold-start",
        "waive.karb.dev/gpu-pin",
        "karb.dev/stage",
        "karb.dev/stage.gpu-pin",
        "pod-template-hash",
        "batch.kubernetes.io/job-name",
    ],
)
def test_objectives_waivers_and_what_steers_controllers_are_never_taken_over(key: str) -> None:
    assert forbidden(key, "example.com/") is not None


@pytest.mark.parametrize("key", ["karb.dev/owner", "karb.dev/tier", "team", "example.com/team"])
def test_owner_and_teams_may_be_taken_over(key: str) -> None:
    assert forbidden(key, "karb.dev/") is None


# --- what is never touched


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("apps/v1", "Deployment"),
        ("batch/v1", "Job"),
        ("v1", "Secret"),
        ("v1", "ReplicationController"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("ray.io/v1", "RayCluster"),
        ("example.org/v1", "Pod"),
    ],
)
def test_nothing_but_pods_is_touched(api_version: str, kind: str) -> None:
    template = pod(container(gpus=2))
    obj = {**template, "apiVersion": api_version, "kind": kind}
    obj["spec"] = {"replicas": 1, "template": template, **template["spec"]}
    mutation, after = mutate(obj)
    assert (mutation.patch, after) == ((), obj)
    assert mutation.skipped == "only Pods are changed"


@pytest.mark.parametrize(
    "metadata",
    [
        {"deletionTimestamp": "2027-01-01T00:00:00Z"},
        {"annotations": {"kubernetes.io/config.mirror": "abc"}},
    ],
)
def test_pods_that_go_and_mirrors_are_not_touched(metadata: Json) -> None:
    assert mutate(pod(container(gpus=2), metadata=metadata))[0].skipped


@pytest.mark.parametrize(
    "obj",
    [
        pod(tolerations="x"),
        pod(container(gpus=2, securityContext="x")),
        pod(securityContext=[1]),
        pod(metadata={"labels": {"a": 1}}),
        pod(container(resources={"limits": {"nvidia.com/gpu": "many"}})),
    ],
)
def test_what_is_malformed_is_left_to_the_validating_webhook(obj: Json) -> None:
    mutation, after = mutate(obj)
    assert (mutation.cause, after) == ("malformed", obj)


def test_what_is_beyond_bounds_is_left_to_the_validating_webhook() -> None:
    mutation, _ = mutate(pod(*(container(f"c{i}") for i in range(251))))
    assert (mutation.cause, mutation.patch) == ("bounds", ())


def test_managed_fields_do_not_count_and_stay() -> None:
    deep: Any = {}
    for _ in range(200):
        deep = {"f:x": deep}
    fields = [{"manager": "kubectl", "fieldsV1": deep}]
    mutation, after = mutate(pod(metadata={"managedFields": fields}))
    assert mutation.refused is None
    assert after["metadata"]["managedFields"] == fields


def test_the_annotation_is_bounded() -> None:
    many = pod(*(container(f"{'c' * 40}-{i}") for i in range(200)))
    _, after = mutate(many)
    text = after["metadata"]["annotations"][ANNOTATION]
    assert "and 180 more" in text
    grown = pod(metadata={"annotations": {ANNOTATION: "x" * MAX_CHARACTERS}})
    assert len(mutate(grown)[1]["metadata"]["annotations"][ANNOTATION]) == MAX_CHARACTERS
