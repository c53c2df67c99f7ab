"""From a violation to a finding: words from the metadata, identity from the field's path."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from karb_guard.evaluation.prepare import Prepared
from karb_guard.evaluation.settings import EvaluationSettings
from karb_guard.model.finding import Finding, Path, Violation
from karb_guard.model.invariant import Invariant
from karb_guard.model.path import anchor_of, walk

MAX_VALUE_CHARACTERS = 200
"""A value longer than this is cut in messages: they end up in terminals and in API responses."""


def finding_of(
    violation: Violation, invariant: Invariant, prepared: Prepared, settings: EvaluationSettings
) -> Finding:
    """Give the violation its words (message, remediation, severity) and its identity."""
    path = prepared.written(violation.path)
    pod, container = _place(violation.path, prepared.pods)
    anchor = _anchor(violation.path, prepared.raw, pod, container)
    if invariant.identity == "value":
        value, _ = walk(prepared.raw, path)
        anchor += "=" + json.dumps(value, sort_keys=True, default=str)
    return Finding(
        invariant_id=invariant.id,
        name=invariant.name,
        check=violation.check,
        severity=settings.severity_of(invariant),
        message=message_of(invariant, violation.check, violation.detail),
        remediation=invariant.remediation,
        object=prepared.ref,
        owner=prepared.owner,
        path=path,
        anchor=anchor,
        container=container["name"] if container else None,
        detail=violation.detail,
    )


def message_of(invariant: Invariant, check: str, detail: Mapping[str, Any]) -> str:
    """Fill the check's message template; a value that the policy didn't give shows as ``?``."""
    template = invariant.checks.get(check, invariant.title)
    return template.format_map(_Shown(detail))


class _Shown(dict[str, str]):
    """Detail values made safe to print, looked up by a message template."""

    def __init__(self, detail: Mapping[str, Any]) -> None:
        super().__init__({key: shown(value) for key, value in detail.items()})

    def __missing__(self, key: str) -> str:
        return "?"


def shown(value: Any) -> str:
    """A value as people read it: lists joined, control characters escaped, long ones cut.

    Manifests are untrusted: without the escape a label could write terminal sequences or
    forge lines in a log.
    """
    if isinstance(value, (list, tuple)):
        text = ", ".join(shown(item) for item in value)
    elif isinstance(value, str):
        text = value if value.isprintable() else _escaped(value)
    else:
        text = json.dumps(value, sort_keys=True, default=str)
    if len(text) > MAX_VALUE_CHARACTERS:
        return text[: MAX_VALUE_CHARACTERS - 1] + "…"
    return text


def _escaped(text: str) -> str:
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def _starts_with(path: Path, prefix: Path) -> bool:
    return path[: len(prefix)] == prefix


def _place(
    path: Path, pods: list[dict[str, Any]]
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The pod view and the container that ``path`` leads into, as far as it does.

    The longest prefix wins: an InferenceService holds its pod spec and containers in one map.
    """
    best: tuple[int, dict[str, Any] | None, dict[str, Any] | None] = (-1, None, None)
    for pod in pods:
        for container in pod.get("containers", ()):
            prefix = tuple(container["path"])
            if len(prefix) > best[0] and _starts_with(path, prefix):
                best = (len(prefix), pod, container)
        for key in ("path", "metadataPath"):
            prefix = tuple(pod.get(key) or ())
            if prefix and len(prefix) > best[0] and _starts_with(path, prefix):
                best = (len(prefix), pod, None)
    return best[1], best[2]


def _anchor(
    path: Path,
    raw: Mapping[str, Any],
    pod: dict[str, Any] | None,
    container: dict[str, Any] | None,
) -> str:
    """An anchor relative to the pod template, so that a Pod's finding folds into its owner's."""
    if container is not None:
        prefix, name = tuple(container["path"]), f"pod/containers[{container['name']}]"
    elif pod is not None and _starts_with(path, tuple(pod["path"])):
        prefix, name = tuple(pod["path"]), "pod/spec"
    elif pod is not None:
        prefix, name = tuple(pod["metadataPath"]), "pod/metadata"
    else:
        return anchor_of(raw, path)
    value, _ = walk(raw, prefix)
    return name + anchor_of(value, path[len(prefix) :])
