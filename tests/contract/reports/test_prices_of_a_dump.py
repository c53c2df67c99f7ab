"""``karb-guard audit --from-dump --prices``: which GPUs a workload has, and what they cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import karb_guard

PRICES = "currency: EUR\nNVIDIA-L4: 1\nnvidia.com/gpu: 10\n"
L4 = {"nvidia.com/gpu.product": "NVIDIA-L4"}


def _deployment(replicas: int, selector: dict[str, str] | None, **resources: int) -> dict[str, Any]:
    limits = {name.replace("__", "/").replace("_", "."): n for name, n in resources.items()}
    spec: dict[str, Any] = {
        "containers": [{"name": "server", "image": "vllm:latest", "resources": {"limits": limits}}]
    }
    if selector:
        spec["nodeSelector"] = selector
    labels = {"app": "llm"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "llm", "namespace": "chat"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


@pytest.mark.parametrize(
    ("deployment", "count", "per_day", "priced"),
    [
        (_deployment(3, L4, nvidia_com__gpu=2), 6, 6 * 24, 6),
        (_deployment(1, None, nvidia_com__gpu=2), 2, 2 * 24 * 10, 2),
        (_deployment(1, {"nvidia.com/gpu.product": "NVIDIA-T4"}, nvidia_com__gpu=1), 1, 0, 0),
        (_deployment(2, None), 0, 0, 0),
    ],
    ids=["model", "resource", "a model without a price is not guessed", "no GPU"],
)
def test_gpus_are_priced_by_model_else_by_resource(
    tmp_path: Path, deployment: dict[str, Any], count: int, per_day: int, priced: int
) -> None:
    (tmp_path / "dump.json").write_text(json.dumps(deployment))
    (tmp_path / "prices.yaml").write_text(PRICES)
    done = karb_guard(
        "audit",
        "--from-dump",
        "dump.json",
        "--prices",
        "prices.yaml",
        "--format",
        "json",
        cwd=tmp_path,
    )
    found = json.loads(done.out)["gpus"]["withFindings"]
    assert found == {
        "count": count,
        "hoursPerDay": count * 24,
        "cost": {"perDay": per_day, "currency": "EUR", "pricedGpus": priced},
    }


def test_a_mistake_in_the_prices_is_said_before_the_scan(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("NVIDIA-L4: cheap\n")
    done = karb_guard("audit", "--from-dump", "absent", "--prices", "prices.yaml", cwd=tmp_path)
    assert done.code == 2
    assert "NVIDIA-L4 is cheap; write a number" in done.err
