"""Field paths: printing them, walking them, and anchors that survive reordered lists."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from karb_guard.model.finding import Path

_PLAIN_KEY = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]*$")

MAPS = (dict, Mapping)
"""For ``isinstance``. In this order: to ask an abstract class takes ten times as long, and nearly
all are ``dict``."""

# Encoders are made once; ``json.dumps`` with options makes one at each call.
_content = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str).encode

LIST_MAP_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "ports": ("containerPort", "protocol"),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "resourceClaims": ("name",),
    "claims": ("name", "request"),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "replicatedJobs": ("name",),
    "workerGroupSpecs": ("groupName",),
    "templates": ("name",),
    "services": ("name",),
    "components": ("name",),
    "cliques": ("name",),
    "roles": ("name",),
    "tasks": ("name",),
    "predictors": ("name",),
    "sysctls": ("name",),
}
"""The merge keys of Kubernetes' own list maps (``x-kubernetes-list-map-keys`` in its OpenAPI),
and the names that custom resources give their lists of groups. A list that is not here is
anchored by its element's content."""


def format_path(path: Path) -> str:
    """``("spec", "containers", 0)`` -> ``spec.containers[0]``; odd keys are quoted in brackets."""
    return "".join(map(_step, path)).removeprefix(".")


_MAX_REMEMBERED = 100
"""Characters of a step that is remembered: what a stranger chose as a key may be of any length."""


def _step(part: str | int) -> str:
    if isinstance(part, str) and len(part) > _MAX_REMEMBERED:
        return _printed_step(part)
    return _remembered_step(part)


def _printed_step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if _PLAIN_KEY.fullmatch(part) else f"[{json.dumps(part)}]"


# Few steps make nearly all paths. ``typed``: True and 1 are different keys to YAML.
_remembered_step = lru_cache(maxsize=4096, typed=True)(_printed_step)


def walk(value: Any, path: Path) -> tuple[Any, int]:
    """Follow ``path`` into ``value`` as far as it exists.

    Returns the deepest existing value and how many path parts led to it.
    """
    for depth, part in enumerate(path):
        if isinstance(part, int):
            if not isinstance(value, list) or not 0 <= part < len(value):
                return value, depth
        elif not isinstance(value, MAPS) or part not in value:
            return value, depth
        value = value[part]
    return value, len(path)


def anchor_of(value: Any, path: Path) -> str:
    """The path with every list index replaced by what identifies the element.

    A list-map element becomes its merge key (``containers[name=server]``), any other element
    its own content, so that the anchor stays the same when a list is reordered.
    """
    out: list[str] = []
    field = ""
    for part in path:
        if isinstance(part, int):
            element = value[part] if isinstance(value, list) and 0 <= part < len(value) else None
            out.append(f"[{_element_key(field, element)}]")
            value = element
        else:
            out.append(f"/{part}")
            field = part
            value = value.get(part) if isinstance(value, MAPS) else None
    return "".join(out)


def _element_key(field: str, element: Any) -> str:
    keys = LIST_MAP_KEYS.get(field)
    if keys and isinstance(element, MAPS) and any(key in element for key in keys):
        return ",".join(f"{key}={element[key]}" for key in keys if key in element)
    return _content(element)
