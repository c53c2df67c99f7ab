"""The JSON Schema of ``karb-guard.yaml``, for editors and for the reference.

``python -m karb_guard.config.schema --write`` writes ``docs/reference/config.schema.json``,
``--check`` is the build's gate.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from karb_guard.config.settings import SECTION, Config
from karb_guard.invariants import generated

FILE = "reference/config.schema.json"


def json_schema() -> dict[str, Any]:
    """The schema, draft 2020-12, from the dataclasses that validate the file."""
    from pydantic import TypeAdapter

    # Fields are described by the texts below them. Only here: reading those takes 35 ms, which
    # every run with a configuration file would pay.
    SECTION["use_attribute_docstrings"] = True
    try:
        schema = TypeAdapter(Config).json_schema(by_alias=True, mode="validation")
    finally:
        del SECTION["use_attribute_docstrings"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_without_titles(schema),
        "title": "karb-guard.yaml",
    }


def _without_titles(node: Any) -> Any:
    """Pydantic titles every field with its own name, which says nothing."""
    if isinstance(node, dict):
        return {
            key: _without_titles(value)
            for key, value in node.items()
            if not (key == "title" and isinstance(value, str))
        }
    return [_without_titles(value) for value in node] if isinstance(node, list) else node


def render() -> dict[str, str]:
    """Path below ``docs/`` -> text."""
    return {FILE: json.dumps(json_schema(), indent=2) + "\n"}


def main() -> int:
    """The command that ``make check`` and ``make docs`` call, from the checkout."""
    docs = Path(__file__).resolve().parents[2] / "docs"
    remedy = "run `python -m karb_guard.config.schema --write`"
    return generated.main(render(), docs, [], remedy)


if __name__ == "__main__":
    sys.exit(main())
