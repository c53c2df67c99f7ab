from __future__ import annotations

from pathlib import Path

import pytest

from karb_guard.config.load import ConfigError, Loaded, load_file
from karb_guard.config.names import check_names, severities, stage_policy
from karb_guard.config.settings import Config
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.model.finding import Severity
from karb_guard.model.invariant import Invariant
from karb_guard.model.stage import Stage


def invariant(id_: str, name: str, category: str) -> Invariant:
    return Invariant(
        id=id_,
        name=name,
        category=category,
        package="karb.x.y",
        title="t",
        description="d",
        severity=Severity.ERROR,
        since="0.1.0",
        remediation="r",
        checks={"c": "m"},
    )


CATALOGUE = Catalogue(
    (
        invariant("KARB-GPU-001", "gpu-tol-leak", "gpu"),
        invariant("KARB-GPU-002", "gpu-pin", "gpu"),
        invariant("KARB-RES-001", "res-mem", "resources"),
    )
)


def loaded(tmp_path: Path, text: str) -> Loaded:
    path = tmp_path / "karb-guard.yaml"
    path.write_text(text)
    return load_file(path)


def test_names_ids_and_categories_are_known(tmp_path):
    text = "select: [gpu, KARB-RES-001]\nignore: [gpu-pin]\nparams: {res-mem: {}}\n"
    check_names(loaded(tmp_path, text), CATALOGUE)
    check_names(Loaded(Config()), CATALOGUE)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("select: [gppu]", "select: no invariant or category is called 'gppu'; did you mean 'gpu'"),
        ("ignore: [res-mme]", "ignore: no invariant or category is called 'res-mme'; did you mean"),
        ("params: {gpu-pn: {}}", "params: no invariant is called 'gpu-pn'; did you mean 'gpu-pin'"),
        ("params: {gpu: {}}", "params: no invariant is called 'gpu'"),
        ("severity: {x: info}", "severity: no invariant or category is called 'x'"),
        ("stages: {invariants: {gpuu: warn}}", "stages.invariants: no invariant or category"),
        (
            "stages: {namespaces: [{match: a}, {match: b, invariants: {x: off}}]}",
            "stages.namespaces[1].invariants: no invariant or category is called 'x'",
        ),
    ],
)
def test_a_misspelt_name_is_refused_with_file_and_key(tmp_path, text, words):
    with pytest.raises(ConfigError) as caught:
        check_names(loaded(tmp_path, text + "\n"), CATALOGUE)
    assert words in str(caught.value)
    assert "karb-guard.yaml" in str(caught.value)


def test_an_invariants_severity_beats_its_categorys():
    for overrides in (
        {"gpu": Severity.INFO, "gpu-pin": Severity.WARNING},
        {"gpu-pin": Severity.WARNING, "gpu": Severity.INFO},
    ):
        assert severities(overrides, CATALOGUE) == {
            "gpu-tol-leak": Severity.INFO,
            "gpu-pin": Severity.WARNING,
        }


def test_stages_are_what_the_file_says(tmp_path):
    text = """
stages:
  default: {error: audit}
  invariants: {gpu: warn, KARB-GPU-002: enforce}
  namespaces:
  - {match: 'team-*', invariants: {gpu-pin: off}}
  - {match: prod, default: enforce}
"""
    policy = stage_policy(loaded(tmp_path, text), CATALOGUE, CATALOGUE)

    def stages(namespace: str) -> list[Stage]:
        found = policy.for_namespace(namespace, None)
        return [found.of(i.name).stage for i in CATALOGUE]

    assert stages("other") == [Stage.WARN, Stage.ENFORCE, Stage.AUDIT]
    assert stages("team-a") == [Stage.WARN, Stage.OFF, Stage.AUDIT]
    assert stages("prod") == [Stage.ENFORCE] * 3


@pytest.mark.parametrize(("may", "expected"), [("false", Stage.WARN), ("true", Stage.OFF)])
def test_labels_loosen_only_where_the_file_allows(tmp_path, may, expected):
    text = f"stages: {{default: {{error: warn}}, labels: {{mayLoosen: {may}}}}}\n"
    policy = stage_policy(loaded(tmp_path, text), CATALOGUE, CATALOGUE)
    found = policy.for_namespace("a", {"karb.dev/stage": "off"})
    assert found.of("res-mem").stage is expected
