from typing import Any

import pytest

from karb_guard import facts, workloads
from karb_guard.facts.settings import FactSettings


def slo(
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    prefix: str = "karb.dev/",
) -> dict[str, Any]:
    metadata = {"labels": labels or {}, "annotations": annotations or {}}
    obj = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "labels": {"karb.dev/owner": "of-the-object"}},
        "spec": {"template": {"metadata": metadata, "spec": {"containers": [{"name": "c"}]}}},
    }
    built = facts.build(obj, workloads.resolve(obj), FactSettings(slo_prefix=prefix))
    found: dict[str, Any] = built.pods[0]["slo"]
    return found


META = ["spec", "template", "metadata"]


def test_what_is_not_written_is_absent_and_the_object_own_labels_do_not_count() -> None:
    assert slo() == {}


def test_an_annotation_is_parsed_into_its_unit() -> None:
    assert slo(annotations={"karb.dev/slo-p95-latency": "250ms"}) == {
        "p95-latency": {
            "raw": "250ms",
            "value": 250,
            "key": "karb.dev/slo-p95-latency",
            "path": [*META, "annotations", "karb.dev/slo-p95-latency"],
            "error": None,
        }
    }


@pytest.mark.parametrize(("raw", "value"), [("250ms", 250), ("1.5ms", 1.5), ("3m", 180_000)])
def test_whole_numbers_are_integers(raw: str, value: float) -> None:
    found = slo(annotations={"karb.dev/slo-p95-latency": raw})["p95-latency"]["value"]
    assert (found, type(found)) == (value, type(value))


def test_a_label_is_as_good() -> None:
    found = slo(labels={"karb.dev/slo-error-rate": "0.001", "karb.dev/tier": "critical"})
    assert found["error-rate"]["value"] == 0.001
    assert found["tier"]["value"] == "critical"
    assert found["tier"]["path"] == [*META, "labels", "karb.dev/tier"]


@pytest.mark.parametrize(
    ("name", "key", "raw", "value"),
    [
        ("cold-start", "slo-cold-start", "1m30s", 90_000.0),
        ("model-load", "slo-model-load", "2m", 120_000.0),
        ("error-rate", "slo-error-rate", "0.1%", 0.001),
        ("owner", "owner", "team-a", "team-a"),
        ("model", "model", "llama-3", "llama-3"),
    ],
)
def test_every_fact_has_its_key(name: str, key: str, raw: str, value: object) -> None:
    assert slo(annotations={f"karb.dev/{key}": raw})[name]["value"] == value


@pytest.mark.parametrize("raw", ["250", "fast", ""])
def test_what_can_not_be_read_keeps_its_text_and_says_why(raw: str) -> None:
    found = slo(annotations={"karb.dev/slo-cold-start": raw})["cold-start"]
    assert (found["raw"], found["value"]) == (raw, None)
    assert "250ms" in found["error"]


def test_the_annotation_wins_and_another_label_is_an_error() -> None:
    key = "karb.dev/slo-error-rate"
    found = slo({key: "0.01"}, {key: "0.1%"})["error-rate"]
    assert (found["raw"], found["path"], found["value"]) == (
        "0.1%",
        [*META, "annotations", key],
        None,
    )
    assert found["error"] == 'the label of the same key says "0.01"'


def test_the_same_value_in_both_places_is_no_conflict() -> None:
    key = "karb.dev/slo-error-rate"
    found = slo({key: "0.001"}, {key: "0.1%"})["error-rate"]
    assert (found["value"], found["error"]) == (0.001, None)


def test_the_prefix_is_configurable() -> None:
    assert slo({"acme.io/tier": "a", "karb.dev/tier": "b"}, prefix="acme.io/")["tier"]["raw"] == "a"
    assert FactSettings(slo_prefix="x/").slo_keys["cold-start"] == "x/slo-cold-start"


def test_a_fact_points_at_the_source_that_it_came_from() -> None:
    obj = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "m", "annotations": {"karb.dev/slo-cold-start": "5m"}},
        "spec": {"predictor": {"model": {"modelFormat": {"name": "x"}}}},
    }
    found = facts.build(obj, workloads.resolve(obj)).pods[0]["slo"]
    assert found["cold-start"]["path"] == ["metadata", "annotations", "karb.dev/slo-cold-start"]
