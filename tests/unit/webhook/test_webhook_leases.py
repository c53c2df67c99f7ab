"""Leader election against an API server of three verbs, with clocks that the tests move."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from karb_guard.cluster.errors import ClusterError, ConflictError
from karb_guard.cluster.leases import LONGEST_DURATION_SECONDS, Alone, Candidacy, Leader, LeaseTimes

TIMES = LeaseTimes()
DURATION = TIMES.duration


class Clock:
    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Store:
    """One Lease with a resourceVersion: what the API server promises about it."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.away = False
        self._version = 0

    def get(self, _path: str, timeout: float = 0) -> dict[str, Any] | None:
        self._answer()
        return copy.deepcopy(self.lease)

    def create(self, _path: str, body: dict[str, Any], timeout: float = 0) -> dict[str, Any]:
        self._answer()
        if self.lease is not None:
            raise ConflictError("exists", 409)
        return self._write(body)

    def replace(self, _path: str, body: dict[str, Any], timeout: float = 0) -> dict[str, Any]:
        self._answer()
        stored = self.lease or {"metadata": {}}
        if stored["metadata"].get("resourceVersion") != body["metadata"].get("resourceVersion"):
            raise ConflictError("changed", 409)
        return self._write(body)

    def _answer(self) -> None:
        if self.away:
            raise ClusterError("no answer")

    def _write(self, body: dict[str, Any]) -> dict[str, Any]:
        self._version += 1
        self.lease = copy.deepcopy(body)
        self.lease["metadata"]["resourceVersion"] = str(self._version)
        return copy.deepcopy(self.lease)

    @property
    def holder(self) -> str:
        assert self.lease is not None
        return str(self.lease["spec"]["holderIdentity"])


def candidate(store: Store, identity: str, clock: Clock, **more: Any) -> Leader:
    wanted = Candidacy("karb", "writer", identity, TIMES)
    return Leader(store, wanted, clock=clock, **more)  # type: ignore[arg-type]


def test_the_first_one_leads_and_the_second_follows() -> None:
    store, clock = Store(), Clock()
    first, second = candidate(store, "a", clock), candidate(store, "b", clock)
    assert first.attempt()
    assert not second.attempt()
    assert (first.is_leader, second.is_leader) == (True, False)
    assert second.holder == "a"


def test_a_leader_that_renews_stays_one() -> None:
    store, clock = Store(), Clock()
    first, second = candidate(store, "a", clock), candidate(store, "b", clock)
    for _ in range(50):
        assert first.attempt()
        assert not second.attempt()
        clock.now += TIMES.retry
    assert store.lease is not None
    assert store.lease["spec"]["leaseTransitions"] == 0


def test_a_dead_leader_is_followed_after_the_duration_and_not_before() -> None:
    store, clock = Store(), Clock()
    candidate(store, "a", clock).attempt()
    second = candidate(store, "b", clock)
    assert not second.attempt()
    clock.now += DURATION - 0.01
    assert not second.attempt()
    clock.now += 0.02
    assert second.attempt()
    assert store.lease is not None
    assert store.lease["spec"]["leaseTransitions"] == 1


def test_the_duration_counts_from_when_the_follower_saw_the_lease() -> None:
    store, theirs, ours = Store(), Clock(5.0), Clock(900_000.0)
    candidate(store, "a", theirs).attempt()
    assert store.lease is not None
    store.lease["spec"]["renewTime"] = "1999-01-01T00:00:00.000000Z"  # a clock far behind
    second = candidate(store, "b", ours)
    assert not second.attempt()


def test_who_cannot_renew_stops_leading_before_others_may_begin() -> None:
    store, clock = Store(), Clock()
    first, second = candidate(store, "a", clock), candidate(store, "b", clock)
    first.attempt()
    second.attempt()
    clock.now += TIMES.renew_deadline
    assert not first.is_leader
    assert not second.attempt()


def test_an_outage_of_the_api_server_ends_leadership_and_does_not_raise() -> None:
    store, clock, said = Store(), Clock(), list[bool]()
    first = candidate(store, "a", clock, on_change=said.append)
    first._try()
    store.away = True
    clock.now += TIMES.renew_deadline + 1
    first._try()
    store.away = False
    first._try()
    assert said == [True, False, True]


def test_a_lease_that_is_let_go_is_free_at_once() -> None:
    store, clock = Store(), Clock()
    first, second = candidate(store, "a", clock), candidate(store, "b", clock)
    first.attempt()
    second.attempt()
    first.stop()
    assert not first.is_leader
    assert store.holder == ""
    assert second.attempt()


def test_a_follower_that_stops_lets_nobody_elses_lease_go() -> None:
    store, clock = Store(), Clock()
    candidate(store, "a", clock).attempt()
    second = candidate(store, "b", clock)
    second.attempt()
    second.stop()
    assert store.holder == "a"


def test_a_lost_race_leaves_the_lease_to_the_winner() -> None:
    store, clock = Store(), Clock()
    first = candidate(store, "a", clock)
    read = store.get

    def slow(path: str, timeout: float = 0) -> dict[str, Any] | None:
        found = read(path)
        store.get = read  # type: ignore[method-assign]
        candidate(store, "b", clock).attempt()  # between our look and our write
        return found

    store.get = slow  # type: ignore[method-assign]
    with pytest.raises(ConflictError):
        first.attempt()
    assert not first.is_leader
    assert store.holder == "b"


@pytest.mark.parametrize("claimed", [None, 0, -3, "soon", 10**9])
def test_a_lease_that_claims_nonsense_keeps_nobody_waiting_for_ever(claimed: object) -> None:
    store, clock = Store(), Clock()
    candidate(store, "a", clock).attempt()
    assert store.lease is not None
    store.lease["spec"]["leaseDurationSeconds"] = claimed
    second = candidate(store, "b", clock)
    assert not second.attempt()
    clock.now += LONGEST_DURATION_SECONDS
    assert second.attempt()


def test_at_no_time_do_two_lead() -> None:
    """Random outages, pauses and clocks that start anywhere, step by step."""
    rng = random.Random(5)  # noqa: S311 - a test
    for _ in range(30):
        store = Store()
        clocks = [Clock(rng.uniform(0, 1e6)) for _ in range(3)]
        leaders = [candidate(store, name, clock) for name, clock in zip("abc", clocks, strict=True)]
        led = 0
        for _ in range(400):
            step = rng.choice((0.1, 1.0, 2.0, 7.0))
            for clock in clocks:
                clock.now += step
            store.away = rng.random() < 0.2
            for leader in leaders:
                if rng.random() < 0.6:
                    leader._try()
            leading = [leader.is_leader for leader in leaders]
            assert sum(leading) <= 1
            led += any(leading)
        assert led > 100


@pytest.mark.parametrize("times", [(15, 15.0, 2.0), (15, 10.0, 10.0), (15, 10.0, 0.0)])
def test_times_that_would_allow_two_leaders_are_refused(times: tuple[int, float, float]) -> None:
    with pytest.raises(ValueError, match="have to grow"):
        LeaseTimes(*times)


def test_who_is_alone_leads() -> None:
    assert Alone().is_leader
