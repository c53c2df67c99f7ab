"""The list of switches that the chart's tests go through is complete, and NOTES.txt helps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.support.chart import ALONE
from tests.support.helm import CHART, NAMESPACE, RELEASE, helm

Json = dict[str, Any]
SCHEMA: Json = json.loads((CHART / "values.schema.json").read_text())
DEFAULTS: Json = yaml.safe_load((CHART / "values.yaml").read_text())
OTHERS = frozenset({"global"})
"""Helm's own."""


def resolved(node: Json) -> Json:
    """``node`` without ``$ref``."""
    reference = node.get("$ref")
    if not reference:
        return node
    found: Json = SCHEMA["$defs"][reference.removeprefix("#/$defs/")]
    return {**found, **node}


def leaves(node: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """(dotted path, schema) of every value that is set as one."""
    node = resolved(node)
    if node.get("properties") and path not in OTHERS:
        for name, child in node["properties"].items():
            yield from leaves(child, f"{path}.{name}".lstrip("."))
    elif path not in OTHERS:
        yield path, node


def at(values: Any, path: str) -> Any:
    for key in path.split("."):
        values = values.get(key) if isinstance(values, dict) else None
    return values


def set_by(setting: str) -> dict[str, Any]:
    """Dotted path -> value of all that ``key=JSON`` sets."""
    key, _, text = setting.partition("=")
    values: Any = json.loads(text)
    for name in reversed(key.split(".")):
        values = {name: values}
    found = {path: at(values, path) for path, _ in leaves(SCHEMA)}
    return {path: value for path, value in found.items() if value is not None}


def missing(settings: list[str]) -> list[str]:
    """The values of the chart that no setting moves away from their default."""
    tried: dict[str, list[Any]] = {}
    for setting in settings:
        for path, value in set_by(setting).items():
            tried.setdefault(path, []).append(value)
    left = []
    for path, node in leaves(SCHEMA):
        default = at(DEFAULTS, path)
        known = [True, False] if node.get("type") == "boolean" else node.get("enum")
        if known is None:
            if all(value == default for value in tried.get(path, [])):
                left.append(path)
            continue
        left += [
            f"{path}={json.dumps(value)}"
            for value in known
            if value != default and value not in tried.get(path, [])
        ]
    return left


def test_every_value_of_the_chart_is_tried_away_from_its_default() -> None:
    assert missing(ALONE) == []


@pytest.mark.parametrize(
    ("gone", "told"),
    [("crds.keep=false", "crds.keep=false"), ("service.port=8443", "service.port")],
)
def test_a_switch_that_is_left_out_is_told(gone: str, told: str) -> None:
    assert missing([setting for setting in ALONE if setting != gone]) == [told]


def notes(*settings: str) -> str:
    flags = [flag for setting in settings for flag in ("--set-json", setting)]
    where = ["--namespace", NAMESPACE, "--dry-run=client", *flags]
    done = helm("install", RELEASE, str(CHART), *where)
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("NOTES:")[2]


def test_the_notes_name_break_glass_before_anything_that_deletes() -> None:
    text = notes()
    assert f"karb-guard break-glass on --namespace {NAMESPACE} --reason" in text
    assert f"karb-guard break-glass off --namespace {NAMESPACE}" in text
    assert "break-glass on --hard" not in text, "hard is for who has failurePolicy Fail"
    assert text.index("break-glass on") < text.index("kubectl delete")
    failing = notes('admission.failurePolicies={"pods":"Fail"}')
    assert f"karb-guard break-glass on --hard --namespace {NAMESPACE}" in failing
