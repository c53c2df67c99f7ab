"""The three Pod Security labels of a namespace, staged like an invariant.

Written by server-side apply with a field manager of our own and without force: what somebody else
set to another value stays, and is said. A stage that goes back takes our labels away with it, by
applying without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from karb_guard.cluster.client import ClusterClient, segment
from karb_guard.cluster.errors import ClusterError, ConflictError
from karb_guard.model.stage import Stage

MANAGER = "karb-guard-rollout"
PREFIX = "pod-security.kubernetes.io/"
MODES = (("audit", Stage.AUDIT), ("warn", Stage.WARN), ("enforce", Stage.ENFORCE))

Json = dict[str, Any]


def wanted(spec: Mapping[str, Any], stage: Stage) -> dict[str, str]:
    """The labels of a namespace at ``stage``; ``spec`` is ``spec.podSecurity``."""
    level, version = str(spec.get("level")), str(spec.get("version") or "latest")
    labels: dict[str, str] = {}
    for mode, from_stage in MODES:
        if stage.rank >= from_stage.rank:
            labels[PREFIX + mode] = level
            labels[f"{PREFIX}{mode}-version"] = version
    return labels


class Labels(NamedTuple):
    """What one rollout wants of a namespace."""

    rollout: str
    wanted: Mapping[str, str]

    @property
    def manager(self) -> str:
        """The field manager: one a rollout, so that two of them don't undo each other's labels."""
        return f"{MANAGER}-{self.rollout}"[:128]


def owned(namespace: Mapping[str, Any], manager: str) -> frozenset[str]:
    """The Pod Security labels of a Namespace that a field manager applied."""
    found: set[str] = set()
    for entry in (namespace.get("metadata") or {}).get("managedFields") or ():
        if entry.get("manager") != manager or entry.get("operation") != "Apply":
            continue
        fields = (entry.get("fieldsV1") or {}).get("f:metadata") or {}
        found |= {key.removeprefix("f:") for key in fields.get("f:labels") or ()}
    return frozenset(label for label in found if label.startswith(PREFIX))


def reconcile(client: ClusterClient, namespace: Mapping[str, Any], labels: Labels) -> str:
    """Bring the labels about; what became of them, in words, empty where all is as it should be.

    Never raises. Nothing is written where nothing would change.
    """
    metadata = namespace["metadata"]
    there = metadata.get("labels") or {}
    held = owned(namespace, labels.manager)
    foreign = _foreign(there, held, labels.wanted)
    mine = {k: v for k, v in labels.wanted.items() if _mode(k) not in foreign}
    said = [f"{PREFIX}{mode}={there.get(PREFIX + mode, '')}" for mode in sorted(foreign)]
    problem = f"left alone, somebody else's: {', '.join(said)}" if said else ""
    if held == set(mine) and all(there.get(key) == value for key, value in mine.items()):
        return problem
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": metadata["name"], "labels": mine},
    }
    path = f"/api/v1/namespaces/{segment(metadata['name'])}"
    try:
        client.apply(path, body, labels.manager, force=False)
    except ConflictError as error:  # it was set since the Namespace was read
        return f"left alone, somebody else's: {error}"
    except ClusterError as error:
        return f"not written: {error}"
    return problem


def _foreign(
    there: Mapping[str, str], held: frozenset[str], wanted: Mapping[str, str]
) -> frozenset[str]:
    """The modes of which somebody else set a label to another value."""
    return frozenset(
        _mode(key)
        for key, value in wanted.items()
        if key in there and there[key] != value and key not in held
    )


def _mode(label: str) -> str:
    return label.removeprefix(PREFIX).removesuffix("-version")
