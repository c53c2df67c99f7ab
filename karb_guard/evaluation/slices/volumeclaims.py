"""``volumeclaims``: the PersistentVolumeClaims that the judged object's pods mount."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.reads import Reads

CLAIM = ("", "PersistentVolumeClaim")
READS = Reads(here=(CLAIM,))
MAX_CLAIMS = 200
"""Of one object; the rest is taken for not visible."""

Json = dict[str, Any]
_Modes = dict[str, list[str] | None]


def provide(about: About) -> Json | None:
    """Name -> ``accessModes`` of the claims that volumes name; one that is not visible is absent.

    ``None`` where no volume names a claim. Of two claims of one name with other modes (in manifests
    that leave the namespace open) nobody knows which one it will be: neither is there.
    """
    names = sorted({name for pod in about.prepared.pods for name in _named(pod)})
    if not names:
        return None
    key = ("volumeclaims", about.namespace)
    modes = about.inventory.remembered(key, lambda: _modes(about))
    found = ((name, modes.get(name)) for name in names[:MAX_CLAIMS])
    return {name: {"accessModes": each} for name, each in found if each is not None}


def _named(pod: Mapping[str, Any]) -> Iterator[str]:
    for volume in pod["spec"].get("volumes") or ():
        name = volume.get("persistentVolumeClaim", {}).get("claimName")
        if name:
            yield name


def _modes(about: About) -> _Modes:
    found: _Modes = {}
    for claim in about.neighbours(*CLAIM):
        metadata, spec = claim.get("metadata"), claim.get("spec")
        name = metadata.get("name") if isinstance(metadata, Mapping) else None
        written = spec.get("accessModes") if isinstance(spec, Mapping) else None
        if not isinstance(name, str) or not isinstance(written, list) or not written:
            continue
        modes = sorted({mode for mode in written if isinstance(mode, str)})
        found[name] = modes if found.get(name, modes) == modes else None
    return found
