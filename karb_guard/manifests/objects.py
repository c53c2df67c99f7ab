"""A raw document -> the Kubernetes objects in it, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, NamedTuple

from karb_guard.manifests.document import Document
from karb_guard.manifests.problem import ParseProblem
from karb_guard.manifests.streams import Raw
from karb_guard.model.finding import Path

_KUSTOMIZE_GROUP = "kustomize.config.k8s.io/"
_KNOWN_FILES = {
    "Chart.yaml": "a Helm chart's description",
    "kustomization.yaml": "a Kustomize file",
    "kustomization.yml": "a Kustomize file",
    "values.yaml": "a Helm chart's values",
}


class NotAnObject(NamedTuple):
    """Something well-formed that no API server would be given; counted and said, no error."""

    file: str
    line: int | None
    """1-based; ``None`` where the whole file is meant."""
    reason: str


Item = Document | NotAnObject | ParseProblem


def objects_of(raw: Raw) -> Iterator[Item]:
    """The document's object; of a ``List`` (or ``PodList`` ...) its items, one by one.

    Like kubectl, items of a typed list without ``kind`` and ``apiVersion`` get those of the list.
    """
    yield from _objects(raw, raw.value, (), None)


def _objects(raw: Raw, value: Any, path: Path, implied: tuple[str, str] | None) -> Iterator[Item]:
    if value is None and path:
        yield _problem(raw, path, "an item of the list is null", "remove the empty item")
        return
    if not isinstance(value, dict):
        what = f"a {_SHAPES.get(type(value), 'number')}, not a Kubernetes object"
        yield _problem(raw, path, what, "an object is a mapping with apiVersion and kind")
        return
    if implied and "kind" not in value and "apiVersion" not in value:
        value = {"apiVersion": implied[0], "kind": implied[1], **value}
    reason = _no_object(raw, value)
    if reason is not None:
        yield _odd(raw, value, path, reason)
    elif value["kind"].endswith("List") and "items" in value:
        yield from _items(raw, value, path)
    else:
        yield Document(value, raw.layout, index=raw.index, offset=path)


_SHAPES: dict[type, str] = {list: "list", str: "string", bool: "boolean"}


def _items(raw: Raw, value: dict[str, Any], path: Path) -> Iterator[Item]:
    items = value["items"]
    if items is None:
        return
    if not isinstance(items, list):
        what = f"`items` of the {value['kind']} is not a list"
        yield _problem(raw, (*path, "items"), what, "write the items as a list")
        return
    kind = value["kind"].removesuffix("List")
    implied = (value["apiVersion"], kind) if kind else None
    for index, item in enumerate(items):
        yield from _objects(raw, item, (*path, "items", index), implied)


def _no_object(raw: Raw, value: dict[str, Any]) -> str | None:
    """Why a mapping is no Kubernetes object; ``None`` if it is one."""
    missing = [name for name in ("apiVersion", "kind") if not _filled(value.get(name))]
    if missing:
        file = PurePath(raw.layout.source.name).name
        known = f" ({_KNOWN_FILES[file]})" if file in _KNOWN_FILES else ""
        return f"no {' and no '.join(missing)}{known}"
    if value["apiVersion"].startswith(_KUSTOMIZE_GROUP):
        return f"a Kustomize file ({value['kind']}), which never reaches a cluster"
    return None


def _filled(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _odd(raw: Raw, value: dict[str, Any], path: Path, reason: str) -> NotAnObject | ParseProblem:
    """No object; a problem where it was meant as one: it has a name and half of its type."""
    metadata = value.get("metadata")
    fields = metadata if isinstance(metadata, dict) else {}
    name = fields.get("name") or fields.get("generateName")
    half = "kind" in value or "apiVersion" in value
    if name and half and reason.startswith("no "):
        message = f"`{name}` has {reason}"
        return _problem(raw, path, message, "an object needs both, as strings")
    line = raw.layout.position(path).line
    return NotAnObject(raw.layout.source.name, line, reason)


def _problem(raw: Raw, path: Path, message: str, remedy: str) -> ParseProblem:
    position = raw.layout.position(path)
    return ParseProblem(raw.layout.source.name, position.line, position.column, message, remedy)
