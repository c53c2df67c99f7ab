"""The three Pod Security labels of a namespace, staged like an invariant.

Written by server-side apply with a field manager of our own and without force: what somebody else
set to another value stays, and is said. Applying without a label takes it away, where nobody else
holds it too. That is done when a stage goes back, and when a rollout no longer asks for labels, no
longer names the namespace, or is gone.
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


def managers(namespace: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Field manager of a rollout -> the Pod Security labels of a Namespace that it applied."""
    found: dict[str, frozenset[str]] = {}
    for entry in (namespace.get("metadata") or {}).get("managedFields") or ():
        manager = str(entry.get("manager"))
        if not manager.startswith(f"{MANAGER}-") or entry.get("operation") != "Apply":
            continue
        fields = (entry.get("fieldsV1") or {}).get("f:metadata") or {}
        labels = {key.removeprefix("f:") for key in fields.get("f:labels") or ()}
        if held := frozenset(label for label in labels if label.startswith(PREFIX)):
            found[manager] = held
    return found


def reconcile(client: ClusterClient, namespace: Mapping[str, Any], labels: Labels) -> str:
    """Bring the labels about; what became of them, in words, empty where all is as it should be.

    Never raises. Nothing is written where nothing would change.
    """
    metadata = namespace["metadata"]
    there = metadata.get("labels") or {}
    held = managers(namespace).get(labels.manager, frozenset())
    foreign = _foreign(there, held, labels.wanted)
    mine = {k: v for k, v in labels.wanted.items() if _mode(k) not in foreign}
    said = [f"{PREFIX}{mode}={there.get(PREFIX + mode, '')}" for mode in sorted(foreign)]
    problem = f"left alone, somebody else's: {', '.join(said)}" if said else ""
    if held == set(mine) and all(there.get(key) == value for key, value in mine.items()):
        return problem
    try:
        _apply(client, namespace, mine, labels.manager)
    except ConflictError as error:  # it was set since the Namespace was read
        return f"left alone, somebody else's: {error}"
    except ClusterError as error:
        return f"not written: {error}"
    return problem


def release(client: ClusterClient, namespace: Mapping[str, Any], manager: str) -> str:
    """Give up all labels of one field manager; why that failed, in words, else empty.

    Never raises. A label that somebody else holds too stays with them.
    """
    try:
        _apply(client, namespace, {}, manager)
    except ClusterError as error:
        return f"Pod Security labels of {manager} are still there: {error}"
    return ""


def _apply(
    client: ClusterClient, namespace: Mapping[str, Any], labels: Mapping[str, str], manager: str
) -> None:
    """Raises ``ClusterError``. By uid: of a namespace that is gone, apply would make a new one."""
    known = namespace["metadata"]
    metadata = {"name": known["name"], "labels": dict(labels)}
    if "uid" in known:
        metadata["uid"] = known["uid"]
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    client.apply(f"/api/v1/namespaces/{segment(known['name'])}", body, manager, force=False)


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
