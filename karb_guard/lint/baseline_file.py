"""The baseline as a file: JSON, one finding a line, in an order that never changes by itself."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from karb_guard.decisions.baseline import Entries, order
from karb_guard.model.errors import UsageError
from karb_guard.model.finding import Identity, ObjectRef

SCHEMA_VERSION = "1.0"
"""Raised in its first number when a field changes its meaning or goes away."""
_MAJOR = "1"
MAX_BYTES = 64 * 1024 * 1024
MAX_FINDINGS = 1_000_000
"""Sum of all counts."""
_REMEDY = "write it anew with --write-baseline"
_OWNER = ("apiVersion", "kind", "name", "namespace")


class _NotABaselineError(Exception):
    """What is wrong with a file. Never leaves this module."""


def text_of(entries: Entries) -> str:
    """The file's content. Equal entries give equal bytes."""
    lines = [_line(identity, entries[identity]) for identity in sorted(+entries, key=order)]
    body = ",\n".join(f"    {line}" for line in lines)
    findings = f"[\n{body}\n  ]" if lines else "[]"
    return f'{{\n  "schemaVersion": "{SCHEMA_VERSION}",\n  "findings": {findings}\n}}\n'


def _line(identity: Identity, count: int) -> str:
    owner = identity.owner
    names = (owner.api_version, owner.kind, owner.name, owner.namespace)
    entry = {
        "id": identity.invariant_id,
        "check": identity.check,
        "owner": dict(zip(_OWNER, names, strict=True)),
        "anchor": identity.anchor,
        "count": count,
    }
    return json.dumps(entry)


def write(file: str, entries: Entries) -> None:
    """Replace the file as a whole: a run that is interrupted leaves the old one.

    Raises ``UsageError`` where it can't be written.
    """
    path = Path(file)
    try:
        handle, scratch = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text_of(entries))
            Path(scratch).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
            Path(scratch).replace(path)
        finally:
            Path(scratch).unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        message = f"--write-baseline {file}: can't be written: {reason}; name a writable file"
        raise UsageError(message) from error


def read(file: str) -> Entries:
    """The entries of a file that ``write`` made. Raises ``UsageError`` with place and remedy."""
    try:
        return _entries(_document(file))
    except _NotABaselineError as error:
        raise UsageError(f"--baseline {file}: {error}; {_REMEDY}") from error


def _document(file: str) -> dict[str, Any]:
    try:
        with Path(file).open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _NotABaselineError(f"can't be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise _NotABaselineError(f"is larger than {MAX_BYTES} bytes")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _NotABaselineError(f"is no JSON: {error}") from error
    if not isinstance(document, dict) or "schemaVersion" not in document:
        raise _NotABaselineError("is no baseline: it has no schemaVersion")
    version = document["schemaVersion"]
    if not isinstance(version, str) or version.split(".")[0] != _MAJOR:
        raise _NotABaselineError(
            f"has schemaVersion {version!r}, and this release reads {SCHEMA_VERSION}"
        )
    return document


def _entries(document: dict[str, Any]) -> Entries:
    findings = document.get("findings")
    if not isinstance(findings, list):
        raise _NotABaselineError("is no baseline: `findings` is no list")
    entries: Entries = Counter()
    for index, entry in enumerate(findings):
        place = f"findings[{index}]"
        if not isinstance(entry, dict):
            raise _NotABaselineError(f"{place} is no map")
        identity = _identity(entry, place)
        if identity in entries:
            raise _NotABaselineError(f"{place} is there twice")
        entries[identity] = _count(entry.get("count", 1), place)
    if entries.total() > MAX_FINDINGS:
        raise _NotABaselineError(f"holds more than {MAX_FINDINGS} findings")
    return entries


def _identity(entry: dict[str, Any], place: str) -> Identity:
    owner = entry.get("owner")
    if not isinstance(owner, dict):
        raise _NotABaselineError(f"{place}.owner is no map")
    ref = ObjectRef(
        _text(owner, "apiVersion", f"{place}.owner"),
        _text(owner, "kind", f"{place}.owner"),
        _text(owner, "name", f"{place}.owner"),
        None if owner.get("namespace") is None else _text(owner, "namespace", f"{place}.owner"),
    )
    return Identity(
        invariant_id=_text(entry, "id", place),
        check=_text(entry, "check", place),
        owner=ref,
        anchor=_text(entry, "anchor", place),
    )


def _text(entry: dict[str, Any], name: str, place: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str):
        raise _NotABaselineError(f"{place}.{name} is no text")
    return value


def _count(value: Any, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_FINDINGS:
        raise _NotABaselineError(f"{place}.count is no whole number from 1 to {MAX_FINDINGS}")
    return value
