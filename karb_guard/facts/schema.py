"""Takes an object apart into what policies see, with everything of a wrong type cut out.

``malformed`` is raised from what is found here, before any policy runs: a policy that met
``privileged: "true"`` could take it for absent and call the pod safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from karb_guard.facts.kind_types import type_of
from karb_guard.facts.pod_types import CONTAINER, POD_SPEC
from karb_guard.facts.types import CUT, STRING_MAP, Fault, Malformed
from karb_guard.facts.view import without_templates
from karb_guard.model.finding import Path
from karb_guard.workloads import Container, Template, Workload


class CleanTemplate(NamedTuple):
    """A pod template whose every known field has the right type."""

    template: Template
    """As written, for names and paths."""
    spec: dict[str, Any]
    """The PodSpec; its container lists, if any, are unchecked and not to be read."""
    containers: tuple[dict[str, Any], ...]
    """The containers, in the template's order."""
    labels: dict[str, str]
    annotations: dict[str, str]


class CleanObject(NamedTuple):
    """An object whose every known field has the right type."""

    view: dict[str, Any]
    """The object without templates, status, managedFields and last-applied-configuration."""
    templates: tuple[CleanTemplate, ...]
    malformed: tuple[Malformed, ...]


class CleanTemplates(NamedTuple):
    """The pod templates of an object, and what was wrong with them."""

    templates: tuple[CleanTemplate, ...]
    malformed: tuple[Malformed, ...]


def sanitize(obj: Mapping[str, Any], workload: Workload) -> CleanObject:
    """Check the types of ``obj``; never changes it, copies only what has to change.

    The object's bounds have been checked (``facts.limits``).
    """
    return sanitize_rest(obj, workload, sanitize_templates(workload))


def sanitize_templates(workload: Workload) -> CleanTemplates:
    """The pod templates: the first half of ``sanitize``."""
    found: list[Malformed] = [
        Malformed(misfit.path, _article(misfit.expected), _article(misfit.got))
        for misfit in workload.misfits
    ]
    templates = tuple([_template(each, found) for each in workload.templates])
    return CleanTemplates(templates, tuple(found))


def sanitize_rest(
    obj: Mapping[str, Any], workload: Workload, clean_templates: CleanTemplates
) -> CleanObject:
    """The object around its templates: the second half of ``sanitize``."""
    templates, found = clean_templates
    view = without_templates(obj, workload.templates)
    faults: list[Fault] = []
    clean = type_of(workload.group, workload.kind).clean(view, faults)
    if faults:
        found += tuple([_malformed((), fault) for fault in faults])
    malformed = tuple(dict.fromkeys(found)) if found else ()
    return CleanObject(clean, templates, malformed)


def _article(word: str) -> str:
    if word == "null":
        return word
    return f"an {word}" if word[:1] in "aeiou" else f"a {word}"


def _malformed(base: Path, fault: Fault) -> Malformed:
    return Malformed(base + fault.relative(), fault.expected, fault.got)


def _template(template: Template, found: list[Malformed]) -> CleanTemplate:
    spec = _part(POD_SPEC, template, found)
    containers = tuple([_part(CONTAINER, each, found) for each in template.containers])
    labels, annotations = _metadata(template, found)
    return CleanTemplate(template, spec, containers, labels, annotations)


def _part(kind: Any, part: Template | Container, found: list[Malformed]) -> dict[str, Any]:
    faults: list[Fault] = []
    clean = kind.clean(part.spec, faults)
    found += [Malformed(part.written(f.relative()), f.expected, f.got) for f in faults]
    return {} if clean is CUT else cast("dict[str, Any]", clean)


def _metadata(template: Template, found: list[Malformed]) -> tuple[dict[str, str], dict[str, str]]:
    """Labels and annotations, each source cleaned and the stronger ones last."""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    for source in reversed(template.metadata):
        for name, value, merged in (
            ("labels", source.labels, labels),
            ("annotations", source.annotations, annotations),
        ):
            if value:
                faults: list[Fault] = []
                clean = STRING_MAP.clean(value, faults)
                if clean is not CUT:
                    merged.update(clean)
                found += [_malformed((*source.path, name), fault) for fault in faults]
    return labels, annotations
