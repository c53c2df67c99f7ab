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


def validate(model: type[T], value: Any, patterns: Mapping[str, str] | None = None) -> T:
    """``value`` (maps, lists, scalars) as ``model``; raises ``InvalidError`` with every fault.

    ``patterns`` says in words what a regular expression of the model asks for.

    Goes through JSON in strict mode: nothing is coerced (``"5"`` is no number), while lists
    still become tuples and words become members of an enum.
    """
    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(model)
    try:
        return adapter.validate_json(json.dumps(value, default=str), strict=True)
    except ValidationError as error:
        schema = adapter.json_schema()
        errors = error.errors(include_url=False)
        faults = [_fault(dict(item), schema, patterns or {}) for item in errors]
        raise InvalidError(faults) from error


def _fault(error: dict[str, Any], schema: Mapping[str, Any], patterns: Mapping[str, str]) -> Fault:
    path = tuple(part for part in error["loc"] if part != "[key]")
    return Fault(path, _message(error, path, schema, patterns))


def _message(
    error: dict[str, Any], path: Path, schema: Mapping[str, Any], patterns: Mapping[str, str]
) -> str:
    kind = error["type"]
    if kind in _UNKNOWN_KEY:
        hint = did_you_mean(str(path[-1]), known_keys(schema, path[:-1]))
        return f"unknown key; {hint or 'remove it'}"
    if kind in _MISSING:
        return "is missing; add it"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind in _TYPES and error.get("input") is None:
        return f"is empty; write {_TYPES[kind]}, or remove the key"
    return f"{shown(error.get('input'))} {_complaint(error, patterns)}"


def _complaint(error: dict[str, Any], patterns: Mapping[str, str]) -> str:
    """What is wrong with the value itself."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in {"enum", "literal_error"}:
        return f"is not one of {context['expected']}"
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}"
    if kind == "too_short":
        return "is empty; it needs at least one entry"
    if kind == "string_pattern_mismatch" and context["pattern"] in patterns:
        return f"must be {patterns[context['pattern']]}"
    return str(error["msg"]).replace("Input should", "should")


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
