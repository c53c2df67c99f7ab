"""``karb-guard autoscaling explain``: what it prints, and how it fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from karb_guard.cli.main import main

ROOT = Path(__file__).parents[3]
PAPER = str(ROOT / "examples" / "paper")
POLICIES = ROOT / "policies"
WORKLOAD = "inference/deployment/inference-deployment"


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["autoscaling", "explain", *arguments]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["autoscaling", "explain", *arguments]) == 2
    said = capsys.readouterr()
    assert not said.out
    return said.err


def test_text_says_what_the_scaled_object_of_the_paper_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = explained(capsys, WORKLOAD, PAPER)
    assert "ScaledObject inference-scaler\n  replicas: 0 to 30\n" in text
    assert "target 100 (total, divided by the replicas)" in text
    assert "down: window 300 s; 10 % in 60 s" in text
    assert "more above 3300, fewer below 2700" in text
    assert "one step: up to 30, down to 27" in text


def test_json_has_the_same_facts(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(explained(capsys, WORKLOAD, PAPER, "--format", "json"))
    assert found["workload"]["kind"] == "Deployment"
    (scaler,) = found["autoscalers"]
    assert (scaler["kind"], scaler["min"], scaler["max"]) == ("ScaledObject", 0, 30)
    assert [each["replicas"] for each in scaler["at"]] == [0, 1, 30]
    assert scaler["at"][2]["bounds"][0]["growsAbove"] == pytest.approx(3300)
    assert scaler["scaleDown"]["policies"][0]["value"] == 10


@pytest.mark.parametrize(
    "named", ["deploy/inference-deployment", "Deployments/inference-deployment"]
)
def test_kinds_as_kubectl_takes_them(capsys: pytest.CaptureFixture[str], named: str) -> None:
    assert "Deployment inference-deployment" in explained(capsys, named, PAPER)


def test_two_autoscalers_are_both_shown(capsys: pytest.CaptureFixture[str]) -> None:
    folder = POLICIES / "autoscaling" / "as_conflict" / "fixtures" / "fail"
    files = [str(each) for each in folder.glob("horizontalpodautoscaler-beside-keda*.yaml")]
    text = explained(capsys, "deployment/llm", *files)
    assert "WARNING: 2 autoscalers" in text
    assert "HorizontalPodAutoscaler llm\n" in text
    assert "ScaledObject llm\n" in text


def test_what_a_kind_s_operator_runs(capsys: pytest.CaptureFixture[str]) -> None:
    file = POLICIES / "autoscaling" / "as_knative" / "fixtures" / "pass" / "service-template.yaml"
    text = explained(capsys, "ksvc/llm", str(file))
    assert "class: kpa.autoscaling.knative.dev (default)" in text
    assert "the next one wakes it" in text


def test_groups_are_counted_as_groups(capsys: pytest.CaptureFixture[str]) -> None:
    folder = POLICIES / "autoscaling" / "as_groups" / "fixtures" / "fail"
    files = [str(each) for each in folder.glob("horizontalpodautoscaler-four*.yaml")]
    assert "a replica is a group of 4 pods" in explained(capsys, "lws/llm", *files)


def test_a_workload_that_is_not_there_is_named_with_those_that_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = refused(capsys, "deployment/lmm", PAPER)
    assert "deployment/lmm is not in what was read" in said
    assert "inference/Deployment/inference-deployment" in said


def test_a_workload_without_an_autoscaler(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "alone.yaml"
    file.write_text((ROOT / "examples" / "paper" / "deployment.yaml").read_text())
    said = refused(capsys, WORKLOAD, str(file))
    assert "no autoscaler that targets it" in said


def test_one_name_in_two_namespaces(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: %s}\nspec: {containers: []}\n"
    (tmp_path / "two.yaml").write_text(pod % "one" + "---\n" + pod % "two")
    said = refused(capsys, "pod/a", str(tmp_path))
    assert "one/Pod/a, two/Pod/a; add the namespace" in said


@pytest.mark.parametrize("named", ["llm", "a/b/c/d", "/x", "deployment/"])
def test_what_names_no_workload(capsys: pytest.CaptureFixture[str], named: str) -> None:
    assert "kind/name" in refused(capsys, named, PAPER)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([WORKLOAD, "--kubeconfig", "no-such-file"], "no-such-file: no usable credentials"),
        ([WORKLOAD, PAPER, "--kubeconfig", "f"], "PATHs are read instead of a cluster"),
        ([WORKLOAD, "--in-cluster", "--context", "c"], "--in-cluster has no kubeconfig"),
        ([WORKLOAD, PAPER, "-n", "other"], "is not in namespace other"),
        (["deployment/inference-deployment", PAPER, "-n", "other"], "other/deployment/inference"),
    ],
)
def test_where_it_is_to_look(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert said in refused(capsys, *arguments)


def test_a_namespace_of_files(capsys: pytest.CaptureFixture[str]) -> None:
    text = explained(capsys, "deployment/inference-deployment", PAPER, "-n", "inference")
    assert "Deployment inference-deployment in namespace inference" in text


def test_what_acts_on_a_terminal_is_not_printed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = POLICIES / "autoscaling" / "as_average" / "fixtures" / "pass"
    written = (folder / "horizontalpodautoscaler-external.yaml").read_text(encoding="utf-8")
    hpa = tmp_path / "hpa.yaml"
    hpa.write_text(written.replace("gateway_requests_pending", '"x\\e[31m\\u009b31m\\nup: y"'))
    target = tmp_path / "llm.yaml"
    target.write_text(
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: llm, namespace: inference}, spec:"
        " {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec:"
        " {containers: [{name: c, image: x}]}}}}"
    )
    text = explained(capsys, "deployment/llm", str(hpa), str(target))
    assert "x\ufffd[31m\ufffd31m\ufffdup: y" in text
    assert all(char.isprintable() for char in text.replace("\n", ""))
