"""From a violation to a finding: words from the metadata, identity from the field's path."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

from karb_guard.evaluation.prepare import Prepared
from karb_guard.evaluation.settings import EvaluationSettings
from karb_guard.model.finding import Finding, Path, Violation
from karb_guard.model.invariant import Invariant
from karb_guard.model.path import anchor_of, walk

MAX_VALUE_CHARACTERS = 200
"""A value longer than this is cut in messages: they end up in terminals and in API responses."""

# An encoder is made once; ``json.dumps`` with options makes one at each call.
_to_json = json.JSONEncoder(sort_keys=True, default=str).encode


class Findings:
    """Makes the findings of one object; what they share is looked up once, if there are any."""

    def __init__(self, prepared: Prepared, settings: EvaluationSettings) -> None:
        self._prepared = prepared
        self._settings = settings

    def of(self, violation: Violation, invariant: Invariant) -> Finding:
        """Give the violation its words (message, remediation, severity) and its identity."""
        prepared, place = self._prepared, self._place(violation.path)
        path = prepared.written(violation.path)
        anchor = place.name + self._anchor(violation.path, place.depth)
        if invariant.identity == "value":
            anchor += "=" + _to_json(walk(prepared.raw, path)[0])
        return Finding(
            invariant_id=invariant.id,
            name=invariant.name,
            check=violation.check,
            severity=self._settings.severity_of(invariant),
            message=message_of(invariant, violation.check, violation.detail),
            remediation=invariant.remediation,
            object=prepared.ref,
            owner=prepared.owner,
            path=path,
            anchor=anchor,
            container=place.container,
            detail=violation.detail,
            amount=_amount(violation.detail.get(invariant.amount)) if invariant.amount else None,
        )

    def _anchor(self, path: Path, depth: int) -> str:
        """``path`` from ``depth`` on; what lists hold is only looked up where there is one."""
        below = path[depth:]
        if int not in map(type, below):
            return "".join([f"/{part}" for part in below])
        return anchor_of(walk(self._prepared.raw, path[:depth])[0], below)

    def _place(self, path: Path) -> _Place:
        """What ``path`` leads into. The longest prefix wins, however deep containers stand."""
        places, lengths = self._places
        for length in lengths:
            place = places.get(path[:length])
            if place is not None:
                return place
        return _OBJECT

    @cached_property
    def _places(self) -> tuple[dict[Path, _Place], list[int]]:
        """All places, and the lengths of their paths from the longest to the shortest."""
        places = _places(self._prepared)
        return places, sorted({len(path) for path in places}, reverse=True)


class _Place(NamedTuple):
    """A part of the object to which anchors are relative."""

    name: str
    """How anchors begin: the same in a Pod and in the template that it was made from."""
    depth: int
    """How many steps of a path lead to it."""
    container: str | None = None


_OBJECT = _Place("", 0)


def _amount(value: Any) -> float | None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if number else None


_LISTS = {
    "main": "containers",
    "init": "initContainers",
    "sidecar": "sidecarContainers",
    "ephemeral": "ephemeralContainers",
}
"""A container's role -> the word in anchors. What an init container may for a moment, another of
its name must not for good."""


def _places(prepared: Prepared) -> dict[Path, _Place]:
    """Path in the pod view -> place, of containers, PodSpecs and the metadata of templates.

    The first of two in one map counts: an InferenceService holds its pod spec and containers so.
    """
    places: dict[Path, _Place] = {}
    for template in prepared.templates:
        for container in template.containers:
            path, of = container.path, _LISTS.get(container.role, "containers")
            name = f"pod/{of}[{container.name}]"
            places.setdefault(path, _Place(name, len(path), container.name))
        spec, metadata = template.path, template.metadata_path
        if spec:
            places.setdefault(spec, _Place("pod/spec", len(spec)))
        if metadata:
            below = metadata[: len(spec)] == spec
            base, name = (spec, "pod/spec") if below else (metadata, "pod/metadata")
            places.setdefault(metadata, _Place(name, len(base)))
    places.pop((), None)
    return places


def message_of(invariant: Invariant, check: str, detail: Mapping[str, Any]) -> str:
    """Fill the check's message template; a value that the policy didn't give shows as ``?``."""
    template = invariant.checks.get(check, invariant.title)
    values = repr(detail)
    if len(values) > _MAX_REMEMBERED_CHARACTERS:
        return _filled(template, detail)
    known = _messages.get((template, values))
    if known is None:
        if len(_messages) >= _MAX_REMEMBERED:
            _messages.clear()
        known = _messages[template, values] = _filled(template, detail)
    return known


_MAX_REMEMBERED = 1024
_MAX_REMEMBERED_CHARACTERS = 500
_messages: dict[tuple[str, str], str] = {}
"""Replicas have the same findings; most messages are about one of a few values, too."""


def _filled(template: str, detail: Mapping[str, Any]) -> str:
    return template.format_map(_Shown({key: shown(value) for key, value in detail.items()}))


class _Shown(dict[str, str]):
    """Printable values, looked up by a message template."""

    def __missing__(self, key: str) -> str:
        return "?"


def shown(value: Any) -> str:
    """A value as people read it: lists joined, control characters escaped, long ones cut.

    Manifests are untrusted: without the escape a label could write terminal sequences or
    forge lines in a log.
    """
    if type(value) is str:
        if len(value) <= MAX_VALUE_CHARACTERS and value.isprintable():
            return value  # nearly every one
        text = value if value.isprintable() else _escaped(value)
    elif type(value) is int:
        text = str(value) if -(2**63) < value < 2**63 else _to_json(value)
    elif isinstance(value, (list, tuple)):
        text = ", ".join([shown(item) for item in value])
    else:
        text = _to_json(value)
    if len(text) > MAX_VALUE_CHARACTERS:
        return text[: MAX_VALUE_CHARACTERS - 1] + "…"
    return text


def _escaped(text: str) -> str:
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
