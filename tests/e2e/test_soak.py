"""The short form of ``make soak``: no error and no growth; a busy machine's latency is shown."""

from __future__ import annotations

import pytest

from benchmarks import pods
from benchmarks.soak import both, mixed, table

pytestmark = [pytest.mark.e2e, pytest.mark.drill]

SECONDS, RATE = 20.0, 40
P99_MS = 1000.0
"""Coarse: continuous integration shares its cores."""


def test_a_steady_load_is_carried_without_errors_or_growth() -> None:
    soaks = both(mixed(pods.replicas), SECONDS, RATE)
    print("\n" + table(soaks))
    assert [problem for one in soaks for problem in one.problems(P99_MS)] == []
    logged = soaks[1]
    assert logged.log_lines >= logged.answered
    assert logged.scrapes > SECONDS / 4
