"""What KEDA reads in a trigger's metadata, which is text, where its scaler wants a number."""

from __future__ import annotations

import math
from collections.abc import Mapping

from karb_guard.model.patterns import lazy
from karb_guard.values.quantity import Quantity, parse_quantity

_JSON_NUMBER = lazy(r"[ \t\r\n]*(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)[ \t\r\n]*")
_WHOLE = lazy(r"[+-]?[0-9]+")
_INT32 = 2**31
_LONGEST = 256
"""Characters; nobody writes a longer number."""
_PODS = ("cpu", "memory")


def numbers(kind: str | None, metric_type: str | None, metadata: Mapping[str, str]) -> Numbers:
    """The fields of a trigger's metadata that are numbers, in their own unit.

    ``kind`` is the trigger's type. All scalers but two read JSON (``setConfigValueHelper`` in
    pkg/scalers/scalersconfig/typed_config.go), so that 1e3 is a number, and neither .5 nor +5 nor
    05 is. Those of cpu and memory read a whole number of percent, or a quantity where
    ``metric_type`` is AverageValue (pkg/scalers/cpu_memory_scaler.go).
    """
    if kind not in _PODS:
        read = _json
    elif metric_type == "AverageValue" or metadata.get("type") == "AverageValue":
        read = _quantity
    else:
        read = _percent
    return {key: found for key, text in metadata.items() if (found := read(text)) is not None}


Numbers = dict[str, float]


def _json(text: str) -> float | None:
    # Most fields are addresses and names: the pattern is for what begins like a number.
    if len(text) > _LONGEST or text[:1] not in "-0123456789 \t\r\n":
        return None
    found = _JSON_NUMBER.fullmatch(text)
    value = math.inf if found is None else float(found[1])
    return value if math.isfinite(value) else None


def _percent(text: str) -> float | None:
    if len(text) > _LONGEST or not _WHOLE.fullmatch(text):
        return None
    value = int(text)
    return value if -_INT32 <= value < _INT32 else None


def _quantity(text: str) -> float | None:
    found = parse_quantity(text)
    return found.milli / 1000 if isinstance(found, Quantity) else None
