"""How a soak reads the server's histogram, and when it complains."""

from __future__ import annotations

import pytest

from benchmarks.load import Load
from benchmarks.soak import Soaked, buckets, quantile

INF = float("inf")
PAGE = """
karb_guard_review_duration_seconds_bucket{le="0.005"} 90.0
karb_guard_review_duration_seconds_bucket{le="0.01"} 100.0
karb_guard_review_duration_seconds_bucket{le="+Inf"} 100.0
karb_guard_review_duration_seconds_count 100.0
"""


def test_buckets_are_read() -> None:
    assert buckets(PAGE) == [(0.005, 90), (0.01, 100), (INF, 100)]


def test_a_quantile_lies_within_its_bucket() -> None:
    after = buckets(PAGE)
    assert quantile([], after, 0.95) == pytest.approx(0.0075)
    assert quantile([], after, 0.45) == pytest.approx(0.0025)


def test_only_what_was_counted_since_counts() -> None:
    before = [(0.005, 90.0), (0.01, 90.0), (INF, 90.0)]
    assert quantile(before, buckets(PAGE), 0.5) == pytest.approx(0.0075)


def test_beyond_the_last_bound_the_last_bound_is_said() -> None:
    assert quantile([], [(0.01, 1.0), (INF, 100.0)], 0.99) == 0.01


def test_nothing_counted_is_no_latency() -> None:
    with pytest.raises(ValueError, match="nothing"):
        quantile(buckets(PAGE), buckets(PAGE), 0.99)


def soaked(failed: int = 0, last: float = 100.0, p99: float = 5.0, missed: int = 0) -> Soaked:
    load = Load(requests=100, failed=failed, rate=300.0, p50=1.0, p99=2.0)
    return Soaked("s", load, 100, 100.0, last, p99, 0, 0, missed)


@pytest.mark.parametrize(
    ("one", "word"),
    [
        (soaked(missed=1), "scrapes"),
        (soaked(failed=1), "failed"),
        (soaked(last=106.0), "memory"),
        (soaked(p99=11.0), "p99"),
    ],
)
def test_each_promise_can_be_broken(one: Soaked, word: str) -> None:
    (problem,) = one.problems()
    assert word in problem


def test_a_good_soak_has_no_problem() -> None:
    assert soaked(last=104.9).problems() == []
