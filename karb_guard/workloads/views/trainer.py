"""TrainJob: its ``trainer`` overrides the ``node`` container of a training runtime."""

from __future__ import annotations

from karb_guard.workloads.shapes import Alias, Container, Template
from karb_guard.workloads.views.spot import Spot, taken

NODE_NAME = "node"
"""constants.Node: the container of the runtime that the trainer's fields go to."""


def trainer_template(spot: Spot) -> Template | None:
    """The template of the training nodes; all else of the pod is in the runtime."""
    view = taken(spot.value, ("image", "command", "args", "env"))
    view["name"] = NODE_NAME
    if spot.value.get("resourcesPerNode") is not None:
        view["resources"] = spot.value["resourcesPerNode"]
    aliases = (Alias(("resources",), (*spot.path, "resourcesPerNode")),)
    return spot.template({}, [Container(NODE_NAME, "main", spot.path, view, True, aliases)])
