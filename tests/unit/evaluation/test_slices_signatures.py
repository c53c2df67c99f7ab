"""``signatures``: evidence on the digests that pods use."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.evaluation.prepare import prepare
from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.signatures import LABEL, MAX_TEXT, provide
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory

SETTINGS = FactSettings()
HEX = "ab" * 32
TEXT = "identity: ci@example.com\ndate: 2026-11-20\n"
ENTRY = {"identity": "ci@example.com", "date": "2026-11-20", "namespace": "karb-guard"}

Json = dict[str, Any]


def pod(image: str = f"r.io/a:v1@sha256:{HEX}", volumes: Any = None) -> Json:
    spec = {"containers": [{"name": "a", "image": image}], "volumes": volumes}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}


def config_map(data: Any, namespace: str = "karb-guard", label: Any = "true") -> Json:
    metadata = {"name": "e", "namespace": namespace, "labels": {LABEL: label}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def provided(*others: Json, obj: Json | None = None) -> Any:
    obj = obj or pod()
    inventory = Inventory([obj, *others])
    return provide(About(prepare(obj, SETTINGS, inventory, ()), inventory, SETTINGS, False))


def entries(text: Any) -> Any:
    return provided(config_map({f"sha256-{HEX}": text}))["evidence"].get(f"sha256:{HEX}")


def test_evidence_on_a_digest_of_the_pod() -> None:
    assert provided(config_map({f"sha256-{HEX}": TEXT, f"sha256-{'cd' * 32}": TEXT})) == {
        "namespaces": ["karb-guard"],
        "evidence": {f"sha256:{HEX}": [ENTRY]},
    }


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        " date: 2026-11-20T08:00:00Z\nnote: x\n identity:ci@example.com ",
        '{"identity": "ci@example.com", "date": "2026-11-20"}',
    ],
)
def test_lines_and_json(text: str) -> None:
    assert entries(text) == [ENTRY]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "identity: ci@example.com",
        "date: 2026-11-20",
        "identity: ci@example.com\ndate: yesterday",
        '{"identity": ["ci"], "date": "2026-11-20"}',
        '{"identity": "ci", "date": 20261120}',
        "[]",
        "[" * 5_000,
        TEXT + " " * MAX_TEXT,
        7,
        None,
    ],
)
def test_what_says_not_who_and_when_is_no_evidence(text: Any) -> None:
    assert not entries(text)


def test_no_evidence_is_visible_without_the_label() -> None:
    assert provided() is None
    assert provided(config_map({f"sha256-{HEX}": TEXT}, label="false")) is None
    assert provided(config_map({f"sha256-{HEX}": TEXT}, label=True)) is None


def test_evidence_of_several_places_is_told_apart() -> None:
    data = {f"sha256-{HEX}": TEXT}
    found = provided(config_map(data), config_map(data, "team-a"))
    assert found["namespaces"] == ["karb-guard", "team-a"]
    assert [entry["namespace"] for entry in found["evidence"][f"sha256:{HEX}"]] == [
        "karb-guard",
        "team-a",
    ]


def test_volumes_made_of_images_count() -> None:
    volumes = [{"name": "m", "image": {"reference": f"r.io/m@sha256:{HEX}"}}, {"name": "x"}]
    found = provided(config_map({f"sha256-{HEX}": TEXT}), obj=pod("r.io/a:v1", volumes))
    assert list(found["evidence"]) == [f"sha256:{HEX}"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("true"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([LABEL, "labels", f"sha256-{HEX}", "name"]), inner)
    ),
    max_leaves=8,
)


@given(JSON, JSON)
def test_objects_of_any_shape_are_survived(metadata: Any, data: Any) -> None:
    provided({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    provided(config_map(data))
