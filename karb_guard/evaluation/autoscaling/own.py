"""Autoscalers that a workload's own kind brings: its operator runs them.

Sources: knative/serving pkg/apis/autoscaling (annotations of a revision, bounds 0 and unlimited);
kserve/kserve pkg/constants and pkg/apis/serving/v1beta1 (``autoscalerClass``, ``minReplicas``);
ray-project/kuberay ray-operator/apis/ray/v1 (``enableInTreeAutoscaling``); NVIDIA/k8s-nim-operator
api/apps/v1alpha1 (``scale``); substratusai/kubeai api/k8s/v1 (``minReplicas``);
SeldonIO/seldon-core (``hpaSpec``, ``kedaSpec``); ai-dynamo/grove (``autoScalingConfig``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from karb_guard.evaluation.autoscaling.objects import name_of
from karb_guard.evaluation.autoscaling.shapes import Json, mapping, number, scaler, text
from karb_guard.evaluation.prepare import Prepared

KNATIVE = "serving.knative.dev"
KSERVE = "serving.kserve.io"

_CLASS = "serving.kserve.io/autoscalerClass"
_FOREIGN_CLASSES = frozenset({"none", "external"})
_BOUNDS = {
    "min": ("autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/minScale"),
    "max": ("autoscaling.knative.dev/max-scale", "autoscaling.knative.dev/maxScale"),
}


def own_scalers(prepared: Prepared) -> list[Json]:
    """The autoscalers of the kind's operator, one for each group of pods that has its own."""
    workload = prepared.workload
    if workload is None:
        return []
    find = _KINDS.get((workload.group, workload.kind))
    return [] if find is None else list(find(prepared))


def _own(prepared: Prepared, index: int, low: int | None, high: int | None) -> Json:
    kind = "" if prepared.workload is None else prepared.workload.kind
    return scaler(kind, name_of(prepared.raw), own=True, pods=[index], min=low, max=high)


def _knative(prepared: Prepared) -> Iterator[Json]:
    """Every revision has one; a maximum of 0 is none."""
    for index, pod in enumerate(prepared.pods):
        low, high = (_annotated(pod["annotations"], names) for names in _BOUNDS.values())
        yield _own(prepared, index, low, high or None)


def _annotated(annotations: Mapping[str, str], names: tuple[str, ...]) -> int:
    for name in names:
        value = annotations.get(name, "")
        if value.isascii() and value.isdigit():
            return int(value[:9])
    return 0


def _kserve(prepared: Prepared) -> Iterator[Json]:
    """Each component has one, of Knative or an HPA, unless its class says otherwise."""
    annotations = mapping(mapping(prepared.raw.get("metadata")).get("annotations"))
    if text(annotations.get(_CLASS)) in _FOREIGN_CLASSES:
        return
    for index, pod in enumerate(prepared.pods):
        component = _at(prepared.raw, pod["path"])
        if pod["path"][-1] != "workerSpec":
            low = number(component.get("minReplicas"), 1)
            yield _own(prepared, index, low, number(component.get("maxReplicas")) or None)


def _ray(prepared: Prepared) -> Iterator[Json]:
    """Each worker group, where the cluster runs Ray's autoscaler."""
    for index, pod in enumerate(prepared.pods):
        path = pod["path"]
        if "workerGroupSpecs" not in path:
            continue
        place = path.index("workerGroupSpecs")
        if _at(prepared.raw, path[:place]).get("enableInTreeAutoscaling") is True:
            group = _at(prepared.raw, path[: place + 2])
            low, high = number(group.get("minReplicas"), 0), number(group.get("maxReplicas"))
            yield _own(prepared, index, low, high)


def _nim(prepared: Prepared) -> Iterator[Json]:
    for index, pod in enumerate(prepared.pods):
        scale = mapping(_at(prepared.raw, pod["path"]).get("scale"))
        if scale.get("enabled") is True:
            yield _bounded(prepared, index, mapping(scale.get("hpa")))


def _seldon(prepared: Prepared) -> Iterator[Json]:
    for index, pod in enumerate(prepared.pods):
        component = _at(prepared.raw, pod["path"][:-1])
        for field in ("hpaSpec", "kedaSpec"):
            if isinstance(component.get(field), Mapping):
                yield _bounded(prepared, index, component[field])


def _kubeai(prepared: Prepared) -> Iterator[Json]:
    """Each Model, by its requests, unless that is switched off."""
    spec = mapping(prepared.raw.get("spec"))
    if prepared.pods and spec.get("autoscalingDisabled") is not True:
        low = number(spec.get("minReplicas"), 0)
        yield _own(prepared, 0, low, number(spec.get("maxReplicas")) or None)


def _grove(prepared: Prepared) -> Iterator[Json]:
    for index, pod in enumerate(prepared.pods):
        config = _at(prepared.raw, pod["path"][:-1]).get("autoScalingConfig")
        if isinstance(config, Mapping):
            yield _bounded(prepared, index, config)


def _bounded(prepared: Prepared, index: int, spec: Mapping[str, Any]) -> Json:
    low = number(spec.get("minReplicas"), number(spec.get("minReplicaCount"), 1))
    return _own(
        prepared, index, low, number(spec.get("maxReplicas"), number(spec.get("maxReplicaCount")))
    )


def _at(obj: Mapping[str, Any], path: list[str | int]) -> Mapping[str, Any]:
    """The map at ``path``, which led to a pod template."""
    value: Any = obj
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return {}
    return mapping(value)


_KINDS: Mapping[tuple[str, str], Callable[[Prepared], Iterator[Json]]] = {
    (KNATIVE, "Service"): _knative,
    (KNATIVE, "Configuration"): _knative,
    (KNATIVE, "Revision"): _knative,
    (KSERVE, "InferenceService"): _kserve,
    ("ray.io", "RayCluster"): _ray,
    ("ray.io", "RayService"): _ray,
    ("kubeai.org", "Model"): _kubeai,
    ("apps.nvidia.com", "NIMService"): _nim,
    ("apps.nvidia.com", "NIMPipeline"): _nim,
    ("machinelearning.seldon.io", "SeldonDeployment"): _seldon,
    ("grove.io", "PodCliqueSet"): _grove,
}


def made_names(prepared: Prepared) -> list[tuple[str, str]]:
    """(kind, name) of what the operator makes of the object, for others to target."""
    workload, name = prepared.workload, name_of(prepared.raw)
    if workload is None or (workload.group, workload.kind) != (KSERVE, "InferenceService"):
        return []
    components = {str(pod["path"][1]) for pod in prepared.pods if len(pod["path"]) > 1}
    return [("Deployment", f"{name}-{component}") for component in sorted(components)]
