"""From an object to its kind, role, owner and pod templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

from karb_guard.model.finding import Coverage, Path
from karb_guard.workloads.containers import Openness, read_containers
from karb_guard.workloads.discovery import discover
from karb_guard.workloads.kinds import ROWS
from karb_guard.workloads.owners import owner_of, pod_role
from karb_guard.workloads.patterns import (
    Reference,
    compile_pattern,
    compile_reference,
    follow,
    metadata_source,
)
from karb_guard.workloads.podless import carries_no_pods
from karb_guard.workloads.rows import Form, Kind, Location
from karb_guard.workloads.shapes import MetadataSource, Misfit, Template, Workload
from karb_guard.workloads.views.argo import argo_template
from karb_guard.workloads.views.dynamo import dynamo_template
from karb_guard.workloads.views.kserve import kserve_template
from karb_guard.workloads.views.kubeai import kubeai_template
from karb_guard.workloads.views.nim import nim_template
from karb_guard.workloads.views.spot import Spot
from karb_guard.workloads.views.trainer import trainer_template

MAX_TEMPLATES = 1_000
"""Templates read per object; more sets ``Workload.truncated``."""

_VIEWS: Mapping[Form, Callable[[Spot], Template | None]] = {
    Form.KSERVE: kserve_template,
    Form.ARGO: argo_template,
    Form.NIM: nim_template,
    Form.DYNAMO: dynamo_template,
    Form.KUBEAI: kubeai_template,
    Form.TRAINER: trainer_template,
}


class _Place(NamedTuple):
    """A location, compiled."""

    steps: tuple[str, ...]
    metadata: tuple[Reference, ...]
    passes: tuple[str, ...]
    openness: Openness
    view: Callable[[Spot], Template | None] | None
    versions: tuple[str, ...]


class _Entry(NamedTuple):
    """A row of the kind table, compiled."""

    row: Kind
    places: tuple[_Place, ...]


def _compile(row: Kind, location: Location) -> _Place:
    names = frozenset(location.open)
    return _Place(
        compile_pattern(location.pattern),
        tuple(compile_reference(text) for text in (location.metadata, *location.inherits)),
        location.passes,
        Openness("*" in names, names, row.operator),
        _VIEWS.get(location.form),
        location.versions,
    )


_ENTRIES = {
    key: _Entry(row, tuple(_compile(row, location) for location in row.locations))
    for key, row in ROWS.items()
}


def resolve(obj: Mapping[str, Any]) -> Workload:
    """What ``obj`` is and which pod templates it holds; never raises, never changes ``obj``.

    A kind of the table is read by its row, also in a version that the table doesn't name
    (``version_known`` is then False; if the row finds nothing there, the object is walked).
    A kind that is known to carry no pods has none. Any other kind is walked (``discovery``):
    ``coverage`` says which of these it was.
    """
    api_version, kind = obj.get("apiVersion"), obj.get("kind")
    if not isinstance(api_version, str) or not isinstance(kind, str):
        api_version, kind = "", ""
    group, _, version = api_version.rpartition("/")
    raw = cast("dict[str, Any]", obj)
    metadata = raw.get("metadata")
    meta: dict[str, Any] = metadata if isinstance(metadata, dict) else {}
    entry = _ENTRIES.get((group, kind))
    if entry is not None:
        return _known(raw, meta, entry, version)
    owner = owner_of(meta) if meta else None
    if carries_no_pods(group, kind):
        return Workload(kind, group, version, Coverage.KNOWN, owner=owner)
    return _discovered(raw, Workload(kind, group, version, Coverage.UNKNOWN, owner=owner))


def _discovered(raw: dict[str, Any], basis: Workload) -> Workload:
    """``basis`` with what a walk of the object finds."""
    misfits: list[Misfit] = []
    templates, cut = discover(raw, MAX_TEMPLATES, misfits)
    return basis._replace(
        coverage=Coverage.DISCOVERED if templates else Coverage.UNKNOWN,
        operator=True,
        templates=tuple(templates),
        misfits=tuple(misfits),
        truncated=cut,
    )


def _known(raw: dict[str, Any], meta: dict[str, Any], entry: _Entry, version: str) -> Workload:
    row = entry.row
    misfits: list[Misfit] = []
    templates: list[Template] = []
    known = version in row.versions
    cut = False
    for place in entry.places:
        if known and place.versions and version not in place.versions:
            continue
        cut = cut or _read(raw, place, templates, misfits)
    workload = Workload(
        row.kind,
        row.group,
        version,
        Coverage.KNOWN,
        pod_role(meta) if row.role == "pod" else row.role,
        row.injects,
        row.operator,
        tuple(templates),
        owner_of(meta),
        known,
        tuple(misfits),
        cut,
    )
    return workload if known or templates else _discovered(raw, workload)


def _read(
    raw: dict[str, Any], place: _Place, templates: list[Template], misfits: list[Misfit]
) -> bool:
    """Add the templates of one place; True if there are more than may be read."""
    for path, value in follow(raw, place.steps, misfits):
        if len(templates) >= MAX_TEMPLATES:
            return True
        template = _template(raw, path, value, place, misfits)
        if template is not None:
            templates.append(template)
    return False


def _template(
    raw: dict[str, Any], path: Path, value: dict[str, Any], place: _Place, misfits: list[Misfit]
) -> Template | None:
    metadata = tuple(metadata_source(raw, ref.resolve(path), misfits) for ref in place.metadata)
    if place.passes:
        metadata = (metadata[0], *(_passing(source, place.passes) for source in metadata[1:]))
    if place.view is not None:
        return place.view(Spot(raw, path, value, place.openness, metadata, misfits))
    containers = read_containers(value, path, place.openness, misfits)
    return Template(path, value, tuple(containers), metadata)


def _passing(source: MetadataSource, prefixes: tuple[str, ...]) -> MetadataSource:
    """``source`` without the labels and annotations that the operator leaves where they are."""
    labels, annotations = (
        {key: value for key, value in found.items() if str(key).startswith(prefixes)}
        for found in (source.labels, source.annotations)
    )
    return source._replace(labels=labels, annotations=annotations)
