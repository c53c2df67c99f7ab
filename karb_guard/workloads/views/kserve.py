"""KServe components: an inline PodSpec, and one container that stands for the model server.

The server's container (``model``, ``triton`` ...) is merged over the container of that name in a
ServingRuntime, which may be cluster-wide and is not visible in the object.
"""

from __future__ import annotations

from typing import Any

from karb_guard.workloads.containers import read_containers
from karb_guard.workloads.shapes import Container, Template
from karb_guard.workloads.views.spot import Spot

SERVER_NAME = "kserve-container"
"""constants.InferenceServiceContainerName"""

SERVERS = (
    *("model", "huggingface", "triton", "pytorch", "tensorflow", "onnx", "sklearn", "xgboost"),
    *("lightgbm", "paddle", "pmml", "art", "alibi", "aix"),
)
"""Fields of a predictor or an explainer that hold a container (PredictorExtensionSpec)."""

_NOT_POD_SPEC = frozenset(
    {
        *SERVERS,
        *("workerSpec", "storageUris", "minReplicas", "maxReplicas", "scaleTarget", "scaleMetric"),
        *("scaleMetricType", "autoScaling", "containerConcurrency", "timeout", "batcher"),
        *("canaryTrafficPercent", "logger", "labels", "annotations", "deploymentStrategy"),
    }
)
"""What stands beside the PodSpec's fields in a component (ComponentExtensionSpec)."""


def kserve_template(spot: Spot) -> Template | None:
    """The template of one component."""
    containers = _servers(spot)
    containers += read_containers(spot.value, spot.path, spot.openness, spot.misfits)
    spec = {key: value for key, value in spot.value.items() if key not in _NOT_POD_SPEC}
    return spot.template(spec, containers)


def _servers(spot: Spot) -> list[Container]:
    found: list[Container] = []
    for field in SERVERS:
        server = spot.object(spot.value, spot.path, field)
        if server is not None:
            found.append(_server(server, spot, field))
    return found


def _server(server: dict[str, Any], spot: Spot, field: str) -> Container:
    name = server.get("name")
    if not isinstance(name, str) or not name:
        name = SERVER_NAME
        server = {**server, "name": name}
    return Container(name, "main", (*spot.path, field), server, open=True)
