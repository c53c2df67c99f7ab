"""Break-glass: what its ConfigMap may say, and when and where it counts."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.decisions.break_glass import (
    CLOCK_SKEW,
    MAX_DURATION,
    OFF,
    BreakGlass,
    BreakGlassError,
    read,
    switched_on,
)

NOW = datetime.datetime(2026, 1, 31, 10, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
DATA = {
    "state": "on",
    "by": "alice",
    "reason": "nodes can't join",
    "since": "2026-01-31T10:00:00Z",
    "until": "2026-01-31T12:00:00Z",
}


def on(**changes: Any) -> BreakGlass:
    found = read({**DATA, **changes})
    assert found is not None
    return found


@pytest.mark.parametrize("data", [None, {}, OFF, {"state": "off", "until": "rubbish"}])
def test_off(data: dict[str, str] | None) -> None:
    assert read(data) is None


def test_what_is_written_reads_back() -> None:
    state = switched_on("alice", "why", NOW, 2 * HOUR)
    state = replace(state, namespaces=("team-*",), invariants=("gpu-pin",))
    assert read(state.to_data()) == state


def test_it_counts_from_its_beginning_to_its_end() -> None:
    state = on()
    assert state.active(NOW)
    assert state.active(NOW - CLOCK_SKEW)  # a laptop's clock may be ahead
    assert not state.active(NOW - CLOCK_SKEW - datetime.timedelta(seconds=1))
    assert not state.active(NOW + 2 * HOUR)
    assert state.active(NOW + 2 * HOUR - datetime.timedelta(seconds=1))


@given(begin=st.integers(-400, 400), length=st.integers(-50, 100), at=st.integers(-500, 500))
def test_nothing_lasts_longer_than_the_longest(begin: int, length: int, at: int) -> None:
    since = NOW + begin * HOUR
    try:
        state = BreakGlass("a", "b", since, since + length * HOUR)
    except BreakGlassError:
        assert not 0 < length <= 24
        return
    now = NOW + at * HOUR
    if state.active(now):
        assert not state.active(now + MAX_DURATION + CLOCK_SKEW)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "yes"}, "state is 'yes'"),
        ({"state": 1}, "state is '1'"),
        ({"by": " "}, "by is empty"),
        ({"by": 7}, "by is no text"),
        ({"reason": ""}, "reason is empty"),
        ({"reason": "x" * 1025}, "reason is longer"),
        ({"since": "today"}, "since is 'today'"),
        ({"until": "2026-01-31T12:00:00"}, "until is"),  # without a zone nobody knows when
        ({"until": "2026-01-31T09:00:00Z"}, "is not after since"),
        ({"until": "2026-02-01T10:00:01Z"}, "more than 24 hours"),
        ({"namespaces": "team_a, ;"}, "namespaces: ';'"),
        ({"invariants": " ".join(["a"] * 201)}, "invariants names more than 200"),
        ({"namespaces": "a" * 30_000}, "namespaces is longer"),
    ],
)
def test_what_cant_be_read_is_told_by_its_key(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BreakGlassError, match=said):
        read({**DATA, **changes})


def test_where_it_counts() -> None:
    assert on().covers("any")
    assert on().covers("")
    some = on(namespaces="team-a, prod-*")
    assert [some.covers(name) for name in ("team-a", "prod-x", "team-b", "")] == [
        True,
        True,
        False,
        False,
    ]


def test_what_it_counts_for() -> None:
    assert on().covers_invariant("gpu-pin", "KARB-GPU-009")
    some = on(invariants="gpu-pin KARB-NP-001")
    assert some.covers_invariant("gpu-pin", "KARB-GPU-009")
    assert some.covers_invariant("np-egress-deny", "KARB-NP-001")
    assert not some.covers_invariant("np-dns", "KARB-NP-002")
