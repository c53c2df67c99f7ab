"""Checks a value that was read from a file against a model, and says in words what is wrong.

pydantic is imported here and only when a file is checked: loading the compiled catalogue or
running without a configuration file must not pay for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from karb_guard.invariants.problems import Problem, did_you_mean, shown
from karb_guard.invariants.yaml_text import Parsed
from karb_guard.model.finding import Path
from karb_guard.model.path import format_path

T = TypeVar("T")

_UNKNOWN_KEY = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
_MISSING = frozenset({"missing", "missing_argument"})
_TYPES = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a map",
    "mapping_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
    "dataclass_type": "a map",
    "dataclass_exact_type": "a map",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a value, and where in it."""

    path: Path
    message: str

    def problem(self, file: str, parsed: Parsed, offset: int = 0, prefix: str = "") -> Problem:
        """The fault as a problem of ``file``; ``offset`` is added to the line inside ``parsed``."""
        line = parsed.line(self.path)
        key = ".".join(part for part in (prefix, format_path(self.path)) if part)
        return Problem(file, line + offset if line else offset, key, self.message)


class InvalidError(ValueError):
    """The value doesn't fit its model; ``faults`` holds everything that is wrong with it."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


def validate(model: type[T], value: Any) -> T:
    """``value`` (maps, lists, scalars) as ``model``; raises ``InvalidError`` with every fault.

    Goes through JSON in strict mode: nothing is coerced (``"5"`` is no number), while lists
    still become tuples and words become members of an enum.
    """
    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(model)
    try:
        return adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        schema = adapter.json_schema()
        faults = [_fault(dict(item), value, schema) for item in error.errors(include_url=False)]
        raise InvalidError(faults) from error


def _fault(error: dict[str, Any], value: Any, schema: Mapping[str, Any]) -> Fault:
    path = tuple(part for part in error["loc"] if part != "[key]")
    kind, given = error["type"], shown(error.get("input"))
    if kind in _UNKNOWN_KEY:
        hint = did_you_mean(str(path[-1]), known_keys(schema, path[:-1]))
        return Fault(path, "unknown key" + (f"; {hint}" if hint else "; remove it"))
    if kind in _MISSING:
        return Fault(path, "is missing; add it")
    if kind in {"enum", "literal_error"}:
        return Fault(path, f"{given} is not one of {error['ctx']['expected']}")
    if kind in _TYPES:
        return Fault(path, f"{given} must be {_TYPES[kind]}")
    if kind == "value_error":
        return Fault(path, str(error["ctx"]["error"]))
    message = str(error["msg"]).replace("Input should", "should")
    return Fault(path, f"{given} {message}")


def known_keys(schema: Mapping[str, Any], path: Path) -> list[str]:
    """The keys that a JSON Schema (as pydantic writes it) allows at ``path``."""
    node: Mapping[str, Any] = schema
    for part in path:
        node = _resolved(node, schema)
        if isinstance(part, int):
            node = node.get("items", {})
        else:
            node = node.get("properties", {}).get(part) or node.get("additionalProperties") or {}
        if not isinstance(node, Mapping):
            return []
    return list(_resolved(node, schema).get("properties", {}))


def _resolved(node: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow ``$ref`` and the non-null branch of an optional."""
    for option in node.get("anyOf", ()):
        if option.get("type") != "null":
            node = option
            break
    reference = node.get("$ref")
    if reference:
        target: Mapping[str, Any] = schema["$defs"][str(reference).rpartition("/")[2]]
        return target
    return node
