"""Index keys of objects of any shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Key = tuple[str, str, str | None, str]
"""API group, kind, namespace, name."""
OwnerKey = Key

MAX_OWNERS = 100
"""Owner references indexed per object; real ones are one to three."""


def group_of(obj: Mapping[str, Any]) -> str:
    """The API group; ``""`` for the core group."""
    api_version = obj.get("apiVersion")
    return api_version.rpartition("/")[0] if isinstance(api_version, str) else ""


def namespace_of(obj: Mapping[str, Any]) -> str | None:
    """``metadata.namespace``, or ``None`` where the manifest names none."""
    metadata = obj.get("metadata")
    namespace = metadata.get("namespace") if isinstance(metadata, dict) else None
    return namespace if isinstance(namespace, str) and namespace else None


def key_of(obj: Mapping[str, Any]) -> Key | None:
    """The object's key; ``None`` without a kind. An unnamed object has the name ``""``."""
    kind = obj.get("kind")
    if not isinstance(kind, str) or not kind:
        return None
    metadata = obj.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return group_of(obj), kind, namespace_of(obj), name if isinstance(name, str) else ""


def owner_keys(obj: Mapping[str, Any]) -> Iterator[OwnerKey]:
    """The owners that the object names, in its own namespace."""
    metadata = obj.get("metadata")
    references = metadata.get("ownerReferences") if isinstance(metadata, dict) else None
    if not isinstance(references, list):
        return
    for reference in references[:MAX_OWNERS]:
        if not isinstance(reference, dict):
            continue
        kind, name = reference.get("kind"), reference.get("name")
        if isinstance(kind, str) and isinstance(name, str):
            yield group_of(reference), kind, namespace_of(obj), name
