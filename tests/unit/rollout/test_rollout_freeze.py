"""Freeze windows: moments, weeks, time zones, and what can't be read."""

from __future__ import annotations

import datetime

import pytest

from karb_guard.rollout.freeze import frozen, read

MONDAY = datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC)


def at(day: int, clock: str) -> datetime.datetime:
    """``day`` 0 is the Monday; UTC."""
    hours, minutes = map(int, clock.split(":"))
    return MONDAY + datetime.timedelta(days=day, hours=hours, minutes=minutes)


WEEKEND = {"weekly": {"days": ["Fri", "Sat"], "start": "16:00", "end": "08:00"}}


@pytest.mark.parametrize(
    ("day", "clock", "is_frozen"),
    [
        (4, "15:59", False),
        (4, "16:00", True),
        (5, "07:59", True),
        (5, "08:00", False),
        (5, "16:00", True),
        (6, "07:59", True),
        (6, "08:00", False),
        (6, "16:00", False),
        (0, "03:00", False),
    ],
)
def test_a_week_over_midnight(day: int, clock: str, is_frozen: bool) -> None:
    assert bool(frozen(read([WEEKEND]), at(day, clock))) is is_frozen


def test_times_of_day_are_those_of_the_zone_summer_time_included() -> None:
    window = {"days": ["Mon"], "start": "09:00", "end": "10:00", "timeZone": "Europe/Berlin"}
    windows = read([{"weekly": window}])
    assert frozen(windows, at(0, "08:30"))
    assert not frozen(windows, at(0, "09:30"))
    summer = at(0, "07:30") + datetime.timedelta(weeks=13)
    assert frozen(windows, summer)


def test_a_day_without_times_is_the_whole_day() -> None:
    windows = read([{"weekly": {"days": ["Sun"]}, "reason": "nobody is here"}])
    assert frozen(windows, at(6, "00:00")) == "frozen every Sun 00:00-24:00 UTC: nobody is here"
    assert frozen(windows, at(6, "23:59"))
    assert not frozen(windows, at(5, "23:59"))
    assert not frozen(windows, at(7, "00:00"))


def test_from_a_moment_until_another() -> None:
    windows = read([{"from": "2026-03-02T00:00:00Z", "until": "2026-03-03T00:00:00+01:00"}])
    assert frozen(windows, at(0, "22:59")) == "frozen until 2026-03-02T23:00:00Z"
    assert not frozen(windows, at(0, "23:00"))


@pytest.mark.parametrize(
    "window",
    [
        {},
        {"from": "2026-03-02T00:00:00Z"},
        {"from": "2026-03-03T00:00:00Z", "until": "2026-03-02T00:00:00Z"},
        {"from": "tomorrow", "until": "2026-03-02T00:00:00Z"},
        {"weekly": {"days": []}},
        {"weekly": {"days": ["Freitag"]}},
        {"weekly": {"days": ["Fri"], "start": "4pm"}},
        {"weekly": {"days": ["Fri"], "timeZone": "Europe/Atlantis"}},
        {"weekly": {"days": ["Fri"], "timeZone": "../../etc/passwd"}},
        "friday",
    ],
)
def test_what_cannot_be_read_freezes(window: object) -> None:
    why = frozen(read([window]), at(1, "12:00"))
    assert why is not None
    assert "until spec.gates.freezeWindows is mended: [0]" in why


def test_no_windows_freeze_nothing() -> None:
    assert frozen(read(None), MONDAY) is None
    assert frozen(read([]), MONDAY) is None
