"""What makes one answer of several series."""

from __future__ import annotations

import time

import pytest

from karb_guard.evaluation.autoscaling.promql import aggregate

X = 'vllm:num_requests_waiting{model_name="a(b"}'
QUERIES = {
    f"sum({X})": "sum",
    f"avg({X})": "avg",
    f"AVG by (pod) ({X})": "avg",
    f"sum({X}) by (pod)": "sum",
    f"sum({X}) / count({X})": "avg",
    f"sum({X}) / scalar(count({X}))": "avg",
    f"sum({X}) / on() group_left() count({X})": "avg",
    f"sum({X}) / sum(kube_deployment_status_replicas)": "ratio",
    f"ceil(avg({X}) * 100)": "avg",
    f"100 * (avg({X}))": "avg",
    f"avg({X}) or vector(0)": "avg",
    f"sum({X}) or on() vector(0)": "sum",
    f"max_over_time(avg({X})[5m:30s])": "avg",
    f"quantile_over_time(0.9, avg({X})[5m:])": "avg",
    f"avg_over_time(sum({X})[5m:])": "sum",
    f"sum(avg by (pod) ({X}))": "sum",
    f"sum({X}) + sum(b)": "sum",
    f"sum({X}) * 1e-3": "sum",
    f"sum({X} offset -5m)": "sum",
    f"-sum({X})": None,
    f"max({X})": "max",
    f"quantile(0.9, {X})": "quantile",
    f"histogram_quantile(0.9, sum(rate({X}[1m])) by (le))": None,
    f"1 / avg({X})": "ratio",
    f"rate({X}[1m])": None,
    X: None,
    "1e-3": "number",
    "sum(a": None,
    "a)": None,
    "": None,
}


@pytest.mark.parametrize(("query", "operator"), QUERIES.items())
def test_the_outermost_operation_is_found(query: str, operator: str | None) -> None:
    assert aggregate(query) == operator


@pytest.mark.parametrize(
    "query", ["(" * 500 + ")" * 500, "a+" * 500, "-" * 1000, '"' * 999, "a or " * 200]
)
def test_the_longest_text_takes_little_time(query: str) -> None:
    started = time.process_time()
    assert aggregate(query) is None
    assert time.process_time() - started < 0.5
