"""What is remembered is bounded, and what was asked for last stays."""

from __future__ import annotations

from karb_guard.model.remembered import ENTRIES, Remembered


def test_the_one_that_was_not_asked_for_the_longest_gives_way() -> None:
    known = Remembered[str](10 * ENTRIES)
    for number in range(ENTRIES):
        known.keep(b"%05d" % number, str(number), 5)
    assert known.get(b"00000") == "0"
    known.keep(b"added", "added", 5)
    assert known.get(b"00000") == "0"
    assert known.get(b"00001") is None
    assert known.get(b"added") == "added"


def test_a_large_entry_never_comes_in() -> None:
    known = Remembered[str](10 * ENTRIES)
    known.keep(b"small", "small", 5)
    known.keep(b"large", "large", 6)
    assert known.get(b"large") is None
    assert known.get(b"small") == "small"


def test_keeping_twice_counts_once() -> None:
    known = Remembered[str](10 * ENTRIES)
    for _ in range(2 * ENTRIES):
        known.keep(b"again", "again", 5)
    known.keep(b"other", "other", 5)
    assert known.get(b"again") == "again"
