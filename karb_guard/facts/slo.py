"""Service level objectives, tier, owner and model, as a pod's metadata states them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from karb_guard.facts.settings import FactSettings
from karb_guard.values.duration import ValueFormatError, parse_duration_ms, parse_ratio
from karb_guard.workloads import Template

_Parse = Callable[[str], float]
_NUMBERS: dict[str, _Parse] = {
    "p95-latency": parse_duration_ms,
    "cold-start": parse_duration_ms,
    "model-load": parse_duration_ms,
    "error-rate": parse_ratio,
}
"""The facts that are numbers, milliseconds or a ratio; the others are strings."""
_MAX_WHOLE = 2**53
"""A larger one would be an integer of many digits that nobody wrote."""


class _Value(NamedTuple):
    value: float | str | None
    error: str | None


class _Metadata(NamedTuple):
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    template: Template


def slo_facts(
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    template: Template,
    settings: FactSettings,
) -> dict[str, dict[str, Any]]:
    """What labels and annotations of the pods say; only facts that are written are present.

    Either place is good. In both, the annotation counts, and another value in the label is an
    error. The object's own metadata does not count: the pods don't carry it.
    """
    metadata = _Metadata(labels, annotations, template)
    return {
        name: _fact(name, key, metadata)
        for name, key in settings.slo_keys.items()
        if key in annotations or key in labels
    }


def _fact(name: str, key: str, metadata: _Metadata) -> dict[str, Any]:
    labels, annotations, template = metadata
    source, raw, path = (
        ("annotation", annotations[key], template.annotation_path(key))
        if key in annotations
        else ("label", labels[key], template.label_path(key))
    )
    parsed = _parsed(name, raw)
    if source == "annotation" and key in labels and _parsed(name, labels[key]) != parsed:
        parsed = _Value(None, f'the label of the same key says "{labels[key]}"')
    return {
        "raw": raw,
        "value": parsed.value,
        "key": key,
        "path": list(path),
        "error": parsed.error,
    }


def _parsed(name: str, raw: str) -> _Value:
    if name not in _NUMBERS:
        return _Value(raw, None)
    try:
        number = _NUMBERS[name](raw)
    except ValueFormatError as error:
        return _Value(None, str(error))
    # Policies compare integers in half the time that fractions take.
    whole = number.is_integer() and abs(number) < _MAX_WHOLE
    return _Value(int(number) if whole else number, None)
