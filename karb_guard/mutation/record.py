"""The annotation that lists the changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from karb_guard.mutation.changes import Change, Kind

ANNOTATION = "karb.dev/mutations"
MAX_CHARACTERS = 4096
"""Of the annotation: all annotations of an object share 256 KiB."""
MAX_DETAILS = 20


def summary(changes: Sequence[Change]) -> str:
    """``gpu-toleration(nvidia.com/gpu:NoSchedule) seccomp-profile(RuntimeDefault)``."""
    return " ".join(
        _of_kind(kind, changes) for kind in Kind if any(c.kind is kind for c in changes)
    )


def _of_kind(kind: Kind, changes: Sequence[Change]) -> str:
    details = list(dict.fromkeys(change.detail for change in changes if change.kind is kind))
    shown = details[:MAX_DETAILS]
    if len(details) > MAX_DETAILS:
        shown.append(f"and {len(details) - MAX_DETAILS} more")
    return f"{kind.value}({', '.join(shown)})"


def annotation(pod: Mapping[str, Any], changes: Sequence[Change]) -> str:
    """The annotation's new value: what an earlier round wrote, and ``changes``."""
    earlier = pod["annotations"].get(ANNOTATION)
    text = summary(changes)
    return (f"{earlier} {text}" if earlier else text)[:MAX_CHARACTERS]
