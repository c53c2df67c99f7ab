"""Validates objects by the schemas that an API server publishes at ``/openapi/v3``.

The schemas let unknown fields pass, as OpenAPI does by default; an API server under strict
validation doesn't, so that here every object without ``additionalProperties`` is closed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

Json = dict[str, Any]

KINDS = "x-kubernetes-group-version-kind"
OPEN = "x-kubernetes-preserve-unknown-fields"


class Schemas:
    """The schemas of one API server, each fetched once."""

    def __init__(self, get: Callable[[str], Json]) -> None:
        """``get`` gives the JSON document at a path of the API server."""
        self._get = get
        self._documents: dict[str, Json] = {}
        self._paths = frozenset(get("/openapi/v3")["paths"])

    def problems(self, obj: Json) -> list[str]:
        """What is wrong with ``obj``, each with the field's path; empty where it is valid."""
        group, _, version = obj["apiVersion"].rpartition("/")
        path = f"apis/{group}/{version}" if group else f"api/{version}"
        if path not in self._paths:
            return [f"{obj['apiVersion']}: not served"]
        document = self._document(path)
        wanted = {"group": group, "version": version, "kind": obj["kind"]}
        for name, schema in document["components"]["schemas"].items():
            if wanted in schema.get(KINDS, []):
                reference = {"$ref": f"#/components/schemas/{name}", **document}
                errors = Draft202012Validator(reference).iter_errors(obj)
                return [f"{_where(list(e.absolute_path))}: {e.message[:300]}" for e in errors]
        return [f"{obj['apiVersion']} {obj['kind']}: no such kind"]

    def _document(self, path: str) -> Json:
        if path not in self._documents:
            document = self._get(f"/openapi/v3/{path}")
            for schema in document["components"]["schemas"].values():
                _close(schema)
                validator_for(schema, Draft202012Validator).check_schema(schema)
            self._documents[path] = {"components": document["components"]}
        return self._documents[path]


def _close(schema: Any) -> None:
    if not isinstance(schema, dict):
        return
    if schema.get("properties") and not schema.get(OPEN):
        schema.setdefault("additionalProperties", False)
    inner = [*schema.get("properties", {}).values()]
    inner += [schema.get("items"), schema.get("additionalProperties")]
    inner += [each for key in ("allOf", "anyOf", "oneOf") for each in schema.get(key, [])]
    for each in inner:
        _close(each)


def _where(path: list[str | int]) -> str:
    return ".".join(map(str, path)) or "(the object)"
