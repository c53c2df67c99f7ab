"""KubeAI's Model: a resource profile of the installation, and what the server is told besides.

The controller makes pods of one container, ``server`` (internal/modelcontroller), from the profile
(image, resources, node selector, tolerations), the Model's own fields and patches of the
installation. Nothing of the Model's labels and annotations reaches the pods.
"""

from __future__ import annotations

from typing import Any

from karb_guard.model.patterns import lazy
from karb_guard.workloads.shapes import Alias, Container, Template
from karb_guard.workloads.views.spot import Spot, taken

SERVER_NAME = "server"
"""serverContainerName."""

_PROFILE = lazy(r"([^:]+):([1-9][0-9]{0,3})")
_DEVICES = (
    ("tpu", "google.com/tpu"),
    ("amd", "amd.com/gpu"),
    ("gaudi", "habana.ai/gaudi"),
    ("neuron", "aws.amazon.com/neuron"),
    ("nvidia", "nvidia.com/gpu"),
    ("gpu", "nvidia.com/gpu"),
)
"""What the name of a profile says: the chart's own are called ``nvidia-gpu-l4``,
``amd-gpu-mi300x``, ``google-tpu-v5e-1x1`` or ``cpu``, and each of them is of one device."""


def kubeai_template(spot: Spot) -> Template | None:
    """The template of a Model's pods."""
    view: dict[str, Any] = {"name": SERVER_NAME, **taken(spot.value, ("image", "args"))}
    aliases: list[Alias] = []
    _env(spot, view, aliases)
    _profile(spot, view, aliases)
    container = Container(SERVER_NAME, "main", spot.path, view, True, tuple(aliases))
    return spot.template(taken(spot.value, ("priorityClassName",)), [container])


def _env(spot: Spot, view: dict[str, Any], aliases: list[Alias]) -> None:
    """``env`` is a map here."""
    variables = spot.object(spot.value, spot.path, "env")
    if not variables:
        return
    path = (*spot.path, "env")
    view["env"] = []
    for name in variables:
        aliases.append(Alias(("env", len(view["env"])), (*path, name), whole=True))
        view["env"].append({"name": name, "value": spot.string(variables, path, name) or ""})


def _profile(spot: Spot, view: dict[str, Any], aliases: list[Alias]) -> None:
    """``name:count``. What a name of the installation's own stands for nobody here knows."""
    profile = spot.string(spot.value, spot.path, "resourceProfile")
    found = _PROFILE.fullmatch(profile or "")
    if found is None:
        return
    name = found.group(1).lower()
    resource = next((resource for word, resource in _DEVICES if word in name), None)
    if resource is not None:
        view["resources"] = {"limits": {resource: int(found.group(2))}}
        aliases.append(Alias(("resources",), (*spot.path, "resourceProfile"), whole=True))
