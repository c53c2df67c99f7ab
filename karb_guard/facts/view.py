"""The object as policies see it: without its pod templates and without bookkeeping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from karb_guard.facts.pod_types import POD_SPEC_FIELDS
from karb_guard.model.finding import Path
from karb_guard.workloads import Template

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""kubectl's copy of the whole object, in an annotation."""

_POD_METADATA = frozenset({"labels", "annotations"})
"""What of a template's metadata the pods carry, and what is therefore in the pods' own view."""


def without_templates(obj: Mapping[str, Any], templates: Sequence[Template]) -> dict[str, Any]:
    """A copy of ``obj`` as far as it differs: no PodSpecs, no ``status``, no ``managedFields``.

    Of a map that holds more than a PodSpec (a KServe predictor), only the PodSpec's fields go.
    """
    view = {key: value for key, value in obj.items() if key != "status"}
    fresh = {id(view)}
    for template in templates:
        if not _cut_whole(view, template, fresh):
            _cut_fields(view, template.path, POD_SPEC_FIELDS, fresh)
            if template.metadata_path != ("metadata",):
                _cut_fields(view, template.metadata_path, _POD_METADATA, fresh)
    _trim_metadata(view, fresh)
    return view


def _own(view: Any, path: Path, fresh: set[int]) -> Any:
    """The value at ``path``, copied once with everything above it; ``None`` if it isn't there."""
    value = view
    for step in path:
        try:
            child = value[step]
        except (KeyError, IndexError, TypeError):
            return None
        if id(child) not in fresh and isinstance(child, (dict, list)):
            child = child.copy()
            fresh.add(id(child))
            value[step] = child
        value = child
    return value


def _cut_whole(view: dict[str, Any], template: Template, fresh: set[int]) -> bool:
    """Remove a PodSpec with the PodTemplateSpec around it, where nothing else is in there."""
    path = template.path
    if not path:
        return False
    parent = _own(view, path[:-1], fresh)
    spec = parent.get(path[-1]) if isinstance(parent, dict) else None
    if not isinstance(spec, dict) or not spec.keys() <= POD_SPEC_FIELDS:
        return False
    del parent[path[-1]]
    if template.metadata_path == (*path[:-1], "metadata") and len(path) > 1:
        parent.pop("metadata", None)
        holder = _own(view, path[:-2], fresh)
        if not parent and isinstance(holder, dict):
            del holder[path[-2]]
    return True


def _cut_fields(view: dict[str, Any], path: Path, fields: frozenset[str], fresh: set[int]) -> None:
    value = _own(view, path, fresh)
    if isinstance(value, dict):
        for field in fields & value.keys():
            del value[field]


def _trim_metadata(view: dict[str, Any], fresh: set[int]) -> None:
    metadata = view.get("metadata")
    if not isinstance(metadata, dict):
        return
    if "managedFields" in metadata:
        metadata = _own(view, ("metadata",), fresh)
        del metadata["managedFields"]
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict) and LAST_APPLIED in annotations:
        del _own(view, ("metadata", "annotations"), fresh)[LAST_APPLIED]
