"""From an object and its workload to what policies see of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from karb_guard.defaulting import default_fields
from karb_guard.facts.command_line import Budget
from karb_guard.facts.gpu_rules import gpu_rules
from karb_guard.facts.lookup import Lookup
from karb_guard.facts.memory import TemplateMemory, key_of
from karb_guard.facts.pods import Surroundings, pod_view
from karb_guard.facts.schema import CleanTemplates, sanitize_rest, sanitize_templates
from karb_guard.facts.settings import FactSettings
from karb_guard.facts.types import Malformed
from karb_guard.model.finding import Coverage
from karb_guard.model.written import WrittenJson
from karb_guard.workloads import Template, Workload, owner_is_known, scale_of


class PodViews:
    """The ``pods`` of the input document: as data, as JSON, or as both once somebody asked."""

    __slots__ = ("_data", "_json")

    def __init__(self, data: list[dict[str, Any]] | None, json: bytes | None = None) -> None:
        self._data = data
        self._json = json

    @property
    def data(self) -> list[dict[str, Any]]:
        """One view per pod template. Read, don't write."""
        if self._data is None:
            self._data = orjson.loads(self._json or b"[]")
        return self._data

    @property
    def writable(self) -> Any:
        """What is written into the input document with the least work."""
        return self._data if self._json is None else WrittenJson(self._json)


class Facts(NamedTuple):
    """The ``object``, ``workload`` and ``pods`` of the input document, and what was malformed.

    Parts that needed no change are shared with the object itself: read, don't write.
    """

    object_view: dict[str, Any]
    workload: dict[str, Any] | None
    """``None`` for an object that carries no pods."""
    views: PodViews
    malformed: tuple[Malformed, ...]

    @property
    def pods(self) -> list[dict[str, Any]]:
        """One view per pod template."""
        return self.views.data


def build(
    obj: Mapping[str, Any],
    workload: Workload,
    settings: FactSettings | None = None,
    lookup: Lookup | None = None,
    memory: TemplateMemory | None = None,
) -> Facts:
    """Sanitize, default and describe ``obj``; never changes it, never raises for its content.

    ``workload`` is what ``workloads.resolve`` says of ``obj``, whose bounds have been checked
    (``facts.limits``). ``lookup`` resolves claims and DeviceClasses. ``memory`` may only be given
    where ``lookup`` knows none, and for objects that come from JSON.
    """
    settings = settings or _DEFAULTS
    key = key_of(workload) if memory is not None else None
    known = memory.recall(key) if memory is not None and key is not None else None
    templates = _KNOWN if known is not None else sanitize_templates(workload)
    clean = sanitize_rest(obj, workload, templates)
    view = default_fields(clean.view, workload.group, workload.version, workload.kind)
    if known is None:
        namespace = (view.get("metadata") or {}).get("namespace")
        around = Surroundings(namespace, settings, gpu_rules(settings), lookup, Budget())
        pods = [pod_view(template, around) for template in clean.templates]
        if memory is not None and key is not None and not templates.malformed:
            known = orjson.dumps(pods[0])
            memory.keep(key, known)
    if known is not None:
        scale = _scale(view, workload, workload.templates[0])
        views = PodViews(None, b"[%s]" % (known if scale is None else _with_scale(known, scale)))
    else:
        for pod, template in zip(pods, workload.templates, strict=True):
            scale = _scale(view, workload, template)
            if scale is not None:
                pod["scale"] = scale
        views = PodViews(pods)
    described = _described(workload) if workload.templates else None
    return Facts(view, described, views, clean.malformed)


_KNOWN = CleanTemplates((), ())
"""Of templates that are remembered: nothing is left to be done, and nothing was wrong."""


def _scale(view: dict[str, Any], workload: Workload, template: Template) -> dict[str, Any] | None:
    scale = scale_of(view, workload, template)
    return None if scale is None else {**scale._asdict(), "path": list(scale.path)}


def _with_scale(pod: bytes, scale: dict[str, Any]) -> bytes:
    return pod[:-1] + b',"scale":' + orjson.dumps(scale) + b"}"


_DEFAULTS = FactSettings()


def _described(workload: Workload) -> dict[str, Any]:
    described: dict[str, Any] = {
        "kind": workload.kind,
        "group": workload.group,
        "role": workload.role,
        "injects": list(workload.injects),
        "operator": workload.operator,
    }
    if workload.coverage is Coverage.DISCOVERED:
        described["discovered"] = True
    if workload.owner is not None and owner_is_known(workload.owner):
        described["controlled"] = True
    return described
