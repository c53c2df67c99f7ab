"""``signatures``: evidence that somebody verified the judged object's images.

Verifying a signature takes a registry and a transparency log, which nobody may wait for while a
pod is admitted. Whoever does it (a pipeline, a scheduled job) writes what it found into
ConfigMaps, and only these are read here.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.reads import Reads
from karb_guard.inventory.keys import namespace_of

CONFIG_MAP = ("", "ConfigMap")
LABEL = "karb.dev/signature-evidence"
"""On ConfigMaps of evidence, with the value ``true``."""
READS = Reads(everywhere=(CONFIG_MAP,), labelled={CONFIG_MAP: f"{LABEL}=true"})
MAX_ENTRIES = 50
"""Of one digest."""
MAX_TEXT = 10_000
"""Characters of one entry; more is no evidence."""
MAX_NAMESPACES = 100

_KEY = re.compile(r"([a-z0-9]+)-([0-9a-f]{32,128})")
_FIELDS = ("identity", "date")

Json = dict[str, Any]
_Index = dict[str, list[Json]]


def provide(about: About) -> Json | None:
    """``namespaces`` that hold evidence, and the ``evidence`` on the digests that the pods use.

    An entry says who verified (``identity``) and when (``date``), and in which ``namespace`` it
    stands. ``None`` where no evidence is visible.
    """
    if not about.prepared.pods:
        return None
    index, namespaces = about.inventory.remembered(
        "signatures", lambda: _index(about), of_cluster=True
    )
    if not namespaces:
        return None
    digests = {digest for pod in about.prepared.pods for digest in _digests(pod)}
    evidence = {digest: index[digest] for digest in sorted(digests & index.keys())}
    return {"namespaces": namespaces, "evidence": evidence}


def _digests(pod: Mapping[str, Any]) -> Iterator[str]:
    for container in pod["containers"]:
        digest = container.get("image", {}).get("digest")
        if digest is not None:
            yield digest
    for volume in pod["spec"].get("volumes") or ():
        reference = volume.get("image", {}).get("reference", "")
        yield reference.partition("@")[2]


def _index(about: About) -> tuple[_Index, list[str]]:
    """The evidence by digest, and the namespaces that it stands in."""
    index: _Index = {}
    namespaces: set[str] = set()
    for obj in about.inventory.of_kind(*CONFIG_MAP):
        namespace = namespace_of(obj)
        if namespace is not None and _is_evidence(obj):
            namespaces.add(namespace)
            for digest, text in _entries(obj.get("data")):
                found = index.setdefault(digest, [])
                if (entry := _entry(text)) is not None and len(found) < MAX_ENTRIES:
                    found.append({**entry, "namespace": namespace})
    return index, sorted(namespaces)[:MAX_NAMESPACES]


def _is_evidence(obj: Mapping[str, Any]) -> bool:
    metadata = obj.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
    return isinstance(labels, Mapping) and labels.get(LABEL) == "true"


def _entries(data: Any) -> Iterator[tuple[str, str]]:
    for key, text in data.items() if isinstance(data, Mapping) else ():
        match = _KEY.fullmatch(key) if isinstance(key, str) else None
        if match and isinstance(text, str) and len(text) <= MAX_TEXT:
            yield f"{match[1]}:{match[2]}", text


def _entry(text: str) -> Json | None:
    """Who verified and when, from JSON or from lines ``identity: ...`` and ``date: ...``."""
    fields = _fields(text)
    identity, date = fields.get("identity"), fields.get("date")
    if not isinstance(identity, str) or not identity or not isinstance(date, str):
        return None
    try:
        day = datetime.date.fromisoformat(date[:10])
    except ValueError:
        return None
    return {"identity": identity, "date": day.isoformat()}


def _fields(text: str) -> Mapping[str, Any]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return dict(_lines(text))
    return read if isinstance(read, dict) else {}


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip() in _FIELDS:
            yield name.strip(), value.strip()
