"""What the drills' load takes for right, and how it counts."""

from __future__ import annotations

import json

import pytest

from tests.support.load import Request, Result, verdict


def said(message: str) -> bytes:
    return json.dumps({"message": message}).encode()


DENIAL = said("res-mem KARB-RES-002: no memory limit")
FAILURE = said('failed calling webhook "pods.karb.dev": connection refused')


@pytest.mark.parametrize(
    ("good", "status", "body", "outcome"),
    [
        (True, 201, b"{}", "right"),
        (True, 403, DENIAL, "failed"),
        (True, 500, FAILURE, "failed"),
        (False, 201, b"{}", "admitted"),
        (False, 403, DENIAL, "right"),
        (False, 403, said("forbidden: quota"), "failed"),
        (False, 500, FAILURE, "failed"),
    ],
)
def test_a_verdict_is_right_only_by_name(
    good: bool, status: int, body: bytes, outcome: str
) -> None:
    assert verdict(good, status, body)[0] == outcome


def test_a_retry_may_find_that_the_first_try_got_through() -> None:
    assert verdict(True, 409, b"{}", again=True)[0] == "right"
    assert verdict(True, 409, b"{}")[0] == "failed"
    assert verdict(False, 409, b"{}", again=True)[0] == "admitted"


def request(name: str, sent: float, ended: float, outcome: str = "right") -> Request:
    return Request(name, True, sent, sent, ended, outcome)


def test_failures_are_counted_by_when_they_left() -> None:
    result = Result(
        [
            request("before", 0.0, 0.5),
            request("in flight", 0.9, 1.1, "failed"),
            request("refused", 1.5, 1.6, "failed"),
            request("too late", 2.5, 2.6, "failed"),
            request("gone", 1.2, 3.0, "unanswered"),
        ],
        0.0,
        5.0,
    )
    assert result.in_flight(1.0) == 1
    assert [one.name for one in result.failed_after(1.0)] == ["too late"]
    assert (len(result.failed), result.unanswered, result.recovery(1.0)) == (3, 1, 2.0)


def test_a_bad_pod_in_the_cluster_counts_whatever_its_creator_was_told() -> None:
    told = request("bad-1", 0, 1, "admitted")
    assert Result([told], 0, 1, stray=["bad-1", "bad-2"]).wrongly_admitted == 2
