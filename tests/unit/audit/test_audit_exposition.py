"""What the controller reads of a replica's /metrics, from the webhook's own renderer."""

from __future__ import annotations

import pytest

from audit.controller.exposition import ExpositionError, read
from karb_guard.model.stage import Stage
from webhook.metrics import Metrics


def test_what_the_webhook_renders_is_read() -> None:
    metrics = Metrics()
    metrics._found_in("inference", "res-mem", "enforce", 2)
    metrics._found_in("team-b", "res-mem", "warn", 1)
    metrics.ready.set(1)
    sample = read("a", metrics.render().decode())
    assert sample.problem == ""
    assert sample.started > 1_000_000_000
    assert sample.counts == {
        ("inference", "res-mem", Stage.ENFORCE): 2,
        ("team-b", "res-mem", Stage.WARN): 1,
    }


@pytest.mark.parametrize(
    ("metric", "problem"),
    [
        ("break_glass", "break-glass is on"),
        ("namespace_findings_dropped", "it has more namespaces than it can count"),
    ],
)
def test_what_cannot_be_gone_by_is_a_problem(metric: str, problem: str) -> None:
    metrics = Metrics()
    metrics.ready.set(1)
    getattr(metrics, metric).inc()
    assert read("a", metrics.render().decode()).problem == problem


def test_a_replica_that_is_not_ready_says_so() -> None:
    assert read("a", Metrics().render().decode()).problem == "not ready"


def test_something_else_is_no_webhook() -> None:
    with pytest.raises(ExpositionError, match="started_timestamp_seconds is missing"):
        read("a", "karb_guard_ready 1.0\nup 1\n")
