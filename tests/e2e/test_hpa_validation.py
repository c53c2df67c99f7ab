"""as-valid against the API server: what it refuses has a finding on that field, the rest none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from karb_guard.inventory import Inventory
from karb_guard.model.path import format_path
from tests.support.api_proxy import ApiProxy
from tests.support.judging import evaluator_for

pytestmark = pytest.mark.e2e

Json = dict[str, Any]

TABLE: Json = yaml.safe_load(
    (Path(__file__).parent / "data" / "hpa-validation.yaml").read_text(encoding="utf-8")
)
INVARIANT = "as-valid"


def autoscaler(row: Json) -> Json:
    """The HorizontalPodAutoscaler of a row."""
    version = row.get("version", "v2")
    spec = {**TABLE["base"][version], **row["spec"]}
    return {
        "apiVersion": f"autoscaling/{version}",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "llm", "namespace": "default"},
        "spec": {key: value for key, value in spec.items() if value is not None},
    }


def refused(api: ApiProxy, obj: Json) -> tuple[int, set[str]]:
    """The API server's status and the fields that it names."""
    path = f"/apis/{obj['apiVersion']}/namespaces/default/horizontalpodautoscalers"
    answer = api.request("POST", path, obj, dryRun="All", fieldValidation="Strict")
    causes = answer.body.get("details", {}).get("causes", [])
    return answer.status, {cause["field"] for cause in causes}


def found(obj: Json) -> set[str]:
    """Invariant and field of each finding of ours."""
    (evaluation,) = evaluator_for({}).evaluate([obj], Inventory([obj]))
    return {f"{f.name} {format_path(f.path)}" for f in evaluation.findings}


@pytest.mark.parametrize("name", TABLE["accepted"])
def test_what_the_api_server_accepts_is_valid(api: ApiProxy, name: str) -> None:
    obj = autoscaler(TABLE["accepted"][name])
    status, _ = refused(api, obj)
    assert status == 201
    assert not [each for each in found(obj) if each.startswith(f"{INVARIANT} ")]


@pytest.mark.parametrize("name", TABLE["refused"])
def test_what_the_api_server_refuses_is_found_on_that_field(api: ApiProxy, name: str) -> None:
    row = TABLE["refused"][name]
    obj = autoscaler(row)
    status, fields = refused(api, obj)
    assert status == (422 if row.get("fields") else 400), "of the wrong type it is not read at all"
    assert fields == set(row.get("fields", []))
    wanted = {
        each if " " in each else f"{INVARIANT} {each}"
        for each in row.get("ours", row.get("fields"))
    }
    ours = found(obj)
    assert wanted <= ours
    assert {each for each in ours if each.startswith(f"{INVARIANT} ")} <= wanted
