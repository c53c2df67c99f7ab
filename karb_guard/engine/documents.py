"""Writes what engines read: input documents, and parameters, which are serialised only once."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import orjson

from karb_guard.engine.interface import NotEvaluated
from karb_guard.model.written import WrittenJson

_REMEMBERED = 64


class UnwritableError(Exception):
    """The value has no JSON form; ``not_evaluated`` says why."""

    def __init__(self, cause: str, reason: str) -> None:
        super().__init__(reason)
        self.not_evaluated = NotEvaluated(cause, reason)


def to_json(value: Any) -> bytes:
    """``value`` as JSON in UTF-8. Raises ``UnwritableError``.

    YAML knows integers of any length and so does OPA, but ``orjson`` ends at 64 bits; those go
    through the slower ``json``. Not finite floats never get here (they are no JSON; ``facts``
    reports them), ``orjson`` would write them as ``null``.
    """
    try:
        return orjson.dumps(value, default=_fragment)
    except orjson.JSONEncodeError as error:
        if "64-bit" not in str(error):
            raise _unwritable(error) from error
    try:
        text = json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False)
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise _unwritable(error) from error


class ParamsWriter:
    """Serialises each ``params`` mapping once.

    Recognises a mapping by identity, so callers must not change one that they have passed.
    """

    def __init__(self, before: bytes, after: bytes = b"") -> None:
        """``before`` and ``after`` are put around the mapping's JSON."""
        self._before, self._after = before, after
        self._known: dict[int, tuple[Mapping[str, Any], bytes]] = {}

    def written(self, params: Mapping[str, Any]) -> bytes:
        """The mapping as JSON. Raises ``UnwritableError``."""
        known = self._known.get(id(params))
        # The entry keeps its mapping alive, so that no other object can get the same id.
        if known is not None and known[0] is params:
            return known[1]
        written = self._before + to_json(params) + self._after
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[id(params)] = (params, written)
        return written


PARAMS_FIRST = b'{"params":'
"""What ``ParamsWriter`` puts before parameters that ``splice`` is to begin a document with."""


def splice(prefix: bytes, document: Mapping[str, Any], limit: int) -> bytes:
    """The input document: ``document``, behind ``prefix`` where that is not empty.

    What ``document`` says of parameters is left out.

    Raises ``UnwritableError`` for what JSON can't hold and for more than ``limit`` bytes.
    """
    if "params" in document:
        document = {key: value for key, value in document.items() if key != "params"}
    raw = to_json(document)
    size = len(prefix) + len(raw)
    if size > limit:
        raise UnwritableError(
            "size",
            f"the object makes an input document of {size} bytes; the engine takes {limit}",
        )
    if not prefix:
        return raw
    return prefix + b"}" if raw == b"{}" else prefix + b"," + raw[1:]


def without(document: Mapping[str, Any], names: Collection[str]) -> Mapping[str, Any]:
    """``document`` without the fields ``names`` of its object's metadata, as a copy."""
    obj = document.get("object")
    metadata = obj.get("metadata") if isinstance(obj, Mapping) else None
    if not names or not isinstance(metadata, Mapping) or not isinstance(obj, Mapping):
        return document
    kept = {key: value for key, value in metadata.items() if key not in names}
    return {**document, "object": {**obj, "metadata": kept}}


def _fragment(value: Any) -> Any:
    return orjson.Fragment(value.text) if type(value) is WrittenJson else _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, WrittenJson):
        return json.loads(value.text)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON type")


def _unwritable(error: Exception) -> UnwritableError:
    # orjson and json raise on nesting that is too deep with "recursion" in the message.
    deep = isinstance(error, RecursionError) or "recursion" in str(error).lower()
    if deep:
        return UnwritableError("size", "the object is nested too deeply to be written as JSON")
    return UnwritableError("answer", f"the object can't be written as JSON: {error}")
