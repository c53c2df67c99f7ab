"""The JSON Schema of an invariant's parameter: which keywords it may use, and its default.

jsonschema ignores a keyword that it doesn't know, so that ``itmes`` would check nothing, and may
fetch a ``$ref``: both are refused here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from karb_guard.invariants.problems import did_you_mean, shown

KEYWORDS = frozenset(
    {
        "additionalProperties",
        "default",
        "description",
        "enum",
        "format",
        "items",
        "pattern",
        "properties",
    }
    | {"propertyNames", "required", "type", "uniqueItems", "multipleOf"}
    | {"minimum", "exclusiveMinimum", "minItems", "minLength", "minProperties"}
    | {"maximum", "exclusiveMaximum", "maxItems", "maxLength", "maxProperties"}
)
NAME = re.compile(r"[a-z][A-Za-z0-9]*")
_SUBSCHEMAS = ("additionalProperties", "items", "propertyNames")


def faults(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    """Everything wrong with parameter ``name``, each with its remedy; nothing for a good one."""
    if not NAME.fullmatch(name):
        yield f"parameter name {name!r} must be camelCase: letters and digits, a small letter first"
    if name == "globs":
        yield "parameter name 'globs' is taken: lists of globs are handed to policies under it"
    description = schema.get("description")
    if not isinstance(description, str) or not description.strip():
        yield "has no description; say what it does and in which unit"
    if "type" not in schema:
        yield "has no type; add one, such as `type: array`"
    unknown = list(_unknown_keywords(schema))
    yield from unknown
    if "default" not in schema:
        yield "has no default; an invariant must work without configuration"
    elif not unknown:
        yield from _bad_default(schema)


def _unknown_keywords(schema: Mapping[str, Any]) -> Iterator[str]:
    for keyword in schema:
        if keyword not in KEYWORDS:
            hint = did_you_mean(keyword, KEYWORDS) or "use one of " + ", ".join(sorted(KEYWORDS))
            yield f"unknown schema keyword {keyword!r}; {hint}"
    if schema.get("format", "glob") != "glob":
        yield f"unknown format {shown(schema['format'])}; the only one is `glob`"
    inner = [schema.get(keyword) for keyword in _SUBSCHEMAS]
    properties = schema.get("properties")
    inner += properties.values() if isinstance(properties, Mapping) else []
    for subschema in inner:
        if isinstance(subschema, Mapping):
            yield from _unknown_keywords(subschema)


def _bad_default(schema: Mapping[str, Any]) -> Iterator[str]:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        yield f"is not a JSON Schema: {error.message} at {error.json_path}"
        return
    for message in violations(schema, schema["default"]):
        yield f"its default {shown(schema['default'])} violates its own schema: {message}"


def violations(schema: Mapping[str, Any], value: Any) -> Iterator[str]:
    """What is wrong with ``value`` by a schema that has been checked."""
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(schema).iter_errors(value):
        place = error.json_path.removeprefix("$").removeprefix(".")
        yield f"{place}: {error.message}" if place else error.message
