"""Pods of every shape for the mutator: random ones, and what may differ after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from karb_guard.mutation.options import MutationOptions, Taints
from karb_guard.mutation.record import ANNOTATION
from karb_guard.mutation.shared_memory import MOUNT_PATH

Json = dict[str, Any]

TAINTS = Taints({"nvidia": "nvidia.com/gpu", "amd": "amd.com/gpu", "google": "google.com/tpu"})
LABELS = {"karb.dev/owner": "ml-platform", "team": "serving", "empty": ""}
EVERYTHING_ON = MutationOptions(
    enabled=True,
    shared_memory_milli=8 * 2**30 * 1000,
    cpu_per_gpu_milli=4000,
    namespace_labels=("karb.dev/owner", "team", "empty", "absent"),
    taints=TAINTS,
)


def pod(*containers: Json, metadata: Json | None = None, **spec: Any) -> Json:
    """A Pod; without containers one that asks for nothing."""
    named = {"name": "llm", "namespace": "inference", **(metadata or {})}
    listed = list(containers) or [container()]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": named,
        "spec": {"containers": listed, **spec},
    }


def container(name: str = "server", gpus: int = 0, **fields: Any) -> Json:
    """A container that asks for so many GPUs of NVIDIA."""
    made: Json = {"name": name, "image": "registry.example.com/ml/server:1"}
    if gpus:
        made["resources"] = {"limits": {"nvidia.com/gpu": str(gpus)}}
    return {**made, **fields}


def differences(before: Any, after: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of what is not the same; an added map or list is entered, element by element."""
    if isinstance(after, dict) and isinstance(before, dict | None):
        old = before or {}
        for key in {**old, **after}:
            if key not in after:
                yield (*path, key)
            else:
                yield from differences(old.get(key), after[key], (*path, key))
    elif isinstance(after, list) and isinstance(before, list | None):
        old_list = before or []
        if len(after) < len(old_list):
            yield path
        for index, element in enumerate(after):
            if index >= len(old_list):
                yield (*path, index)
            else:
                yield from differences(old_list[index], element, (*path, index))
    elif before != after or type(before) is not type(after):
        yield path


def may_change(path: tuple[Any, ...], before: Json) -> bool:
    """Whether mutation may touch ``path`` at all: the whole of the safe list, written out."""
    match path:
        case ("metadata", "labels", key):
            old = (before["metadata"].get("labels") or {}).get(key)
            return old is None and key in EVERYTHING_ON.namespace_labels
        case ("metadata", "annotations", key):
            return bool(key == ANNOTATION)
        case ("spec", "tolerations" | "volumes", int(index)):
            return bool(index >= len(before["spec"].get(path[1]) or []))
        case ("spec", "securityContext", "seccompProfile", "type"):
            return (before["spec"].get("securityContext") or {}).get("seccompProfile") is None
        case ("spec", "containers" | "initContainers" | "ephemeralContainers", int(i), *rest):
            return _container_may_change(tuple(rest), before["spec"][path[1]][i])
    return False


def _container_may_change(path: tuple[Any, ...], before: Json) -> bool:
    match path:
        case ("securityContext", "allowPrivilegeEscalation"):
            return (before.get("securityContext") or {}).get("allowPrivilegeEscalation") is None
        case ("resources", "requests", "cpu"):
            sections = (before.get("resources") or {}).values()
            return not any("cpu" in (section or {}) for section in sections)
        case ("volumeMounts", int(index)):
            return bool(index >= len(before.get("volumeMounts") or []))
    return False


def _maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """Any of ``fields``, each absent as often as not."""
    return st.fixed_dictionaries({}, optional=fields)


_QUANTITY = st.sampled_from(["1", "2", "8", "0", "500m", 2, "16Gi", "64Gi", "32Mi"])
_RESOURCES = st.none() | _maybe(
    limits=st.none()
    | st.dictionaries(
        st.sampled_from(
            [
                "nvidia.com/gpu",
                "nvidia.com/mig-1g.5gb",
                "amd.com/gpu",
                "google.com/tpu",
                "cpu",
                "memory",
                "example.com/nic",
            ]
        ),
        _QUANTITY,
        max_size=3,
    ),
    requests=st.none() | st.dictionaries(st.sampled_from(["cpu", "memory"]), _QUANTITY, max_size=2),
)
_SECCOMP = st.sampled_from([None, {"type": "Unconfined"}, {"type": "RuntimeDefault"}])
_CONTAINER_CONTEXT = st.none() | _maybe(
    privileged=st.booleans(),
    allowPrivilegeEscalation=st.none() | st.booleans(),
    capabilities=st.none()
    | _maybe(
        add=st.lists(st.sampled_from(["SYS_ADMIN", "CAP_SYS_ADMIN", "NET_ADMIN"]), max_size=2)
    ),
    seccompProfile=_SECCOMP,
    runAsUser=st.sampled_from([0, 1000]),
    readOnlyRootFilesystem=st.booleans(),
)
_MOUNTS = st.none() | st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["karb-shm", "data", "shm"]),
            "mountPath": st.sampled_from([MOUNT_PATH, f"{MOUNT_PATH}/", "/data"]),
        }
    ),
    max_size=2,
)


def _containers(prefix: str, least: int) -> st.SearchStrategy[list[Json]]:
    fields = _maybe(
        image=st.sampled_from(["a", "b:latest"]),
        resources=_RESOURCES,
        securityContext=_CONTAINER_CONTEXT,
        volumeMounts=_MOUNTS,
        restartPolicy=st.just("Always") if prefix == "i" else st.nothing(),
        env=st.just([{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}]),
    )
    return st.lists(fields, min_size=least, max_size=3).map(
        lambda found: [{"name": f"{prefix}{i}", **each} for i, each in enumerate(found)]
    )


_TEXT = st.sampled_from(["a", "b/c", "x~y", "team", "karb.dev/owner", "karb.dev/tier"])
PODS: st.SearchStrategy[Json] = st.builds(
    lambda metadata, spec, containers: {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", **metadata},
        "spec": {**spec, "containers": containers},
    },
    _maybe(
        labels=st.none() | st.dictionaries(_TEXT, st.text("ab", max_size=2), max_size=3),
        annotations=st.none()
        | st.dictionaries(
            _TEXT | st.sampled_from([ANNOTATION, "gpu-fraction"]), st.text("ab.5"), max_size=3
        ),
    ),
    _maybe(
        initContainers=st.none() | _containers("i", 0),
        ephemeralContainers=_containers("e", 0),
        tolerations=st.none()
        | st.lists(
            _maybe(
                key=st.sampled_from(["nvidia.com/gpu", "amd.com/gpu", "x"]),
                operator=st.sampled_from(["Exists", "Equal"]),
                effect=st.sampled_from(["NoSchedule", "NoExecute"]),
            ),
            max_size=2,
        ),
        volumes=st.none()
        | st.lists(
            st.sampled_from(
                [
                    {"name": "karb-shm", "emptyDir": {"medium": "Memory"}},
                    {"name": "karb-shm", "emptyDir": {}},
                    {"name": "data", "hostPath": {"path": "/x"}},
                    {"name": "shm", "emptyDir": None},
                ]
            ),
            max_size=2,
        ),
        securityContext=st.none()
        | _maybe(seccompProfile=_SECCOMP, runAsNonRoot=st.booleans(), runAsUser=st.just(0)),
        os=st.sampled_from([None, {"name": "linux"}, {"name": "windows"}]),
        nodeSelector=st.sampled_from(
            [None, {"kubernetes.io/os": "windows"}, {"cloud.google.com/gke-accelerator": "l4"}]
        ),
        hostIPC=st.booleans(),
        resources=_RESOURCES,
        runtimeClassName=st.just("nvidia"),
        serviceAccountName=st.just("llm"),
    ),
    _containers("c", 1),
)
