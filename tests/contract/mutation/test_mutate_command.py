"""``karb-guard mutate`` shows what would be filled in, and changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from karb_guard.cli.main import main
from tests.support.json_patch import applied
from tests.support.mutation_pods import container, pod


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()

    def call(*objects: Any, config: str = "", flags: tuple[str, ...] = ()) -> tuple[int, str, str]:
        (tmp_path / "karb-guard.yaml").write_text(config)
        (tmp_path / "in.yaml").write_text("\n---\n".join(map(json.dumps, objects)))
        code = main(["mutate", "in.yaml", *flags])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_a_deployments_pods_are_shown_while_mutation_is_off(run: Any) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod(container(gpus=1))["spec"]}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "llm", "namespace": "inference"},
        "spec": {"template": template},
    }
    code, out, err = run(deployment)
    assert code == 0
    assert "mutation.enabled is false" in err
    assert out.startswith("a Pod of Deployment inference/llm:\n")
    assert 'spec.tolerations[+] = {"key": "nvidia.com/gpu"' in out


def test_patches_apply_and_follow_the_configuration(run: Any) -> None:
    config = (
        "mutation:\n  enabled: true\n  seccompProfile: false\n  cpuPerGpu: '2'\n"
        "  namespaceLabels: [team]\n  namespaces:\n  - {match: off-*, enabled: false}\n"
        "params: {gpu-tol-missing: {taints: {nvidia: example.com/pool}}}\n"
    )
    first, second = pod(container(gpus=2)), pod(metadata={"namespace": "off-1"})
    flags = ("--json", "--namespace-label", "team=serving")
    code, out, err = run(first, second, config=config, flags=flags)
    assert (code, err) == (0, "")
    one, two = json.loads(out)
    after = applied(first, one["patch"])
    assert after["spec"]["tolerations"][0]["key"] == "example.com/pool"
    assert after["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "4"}
    assert after["metadata"]["labels"] == {"team": "serving"}
    assert "securityContext" not in after["spec"]
    assert two["patch"] == []
    assert two["notMutated"] == "mutation is off here"


@pytest.mark.parametrize("key", ["karb.dev/slo-p95-latency", "pod-template-hash"])
def test_a_label_that_no_pod_may_take_over_is_refused(run: Any, key: str) -> None:
    code, _, err = run(pod(), config=f"mutation: {{namespaceLabels: ['{key}']}}")
    assert code == 2
    assert f"mutation.namespaceLabels: {key}: " in err
    assert "take it out" in err


def test_what_can_not_be_looked_at_is_exit_code_2(run: Any) -> None:
    code, out, _ = run(pod(tolerations="x"))
    assert code == 2
    assert "not changed: spec.tolerations has the wrong type" in out
    assert main(["mutate", "absent.yaml"]) == 2
    assert main(["mutate", "in.yaml", "--namespace-label", "x"]) == 2
