"""Objects wait on disk and come back once."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from audit.spool import Entry, Spool, SpoolError
from audit.workers import Workers
from tests.support.forks import beside_threads, needs_forks


@pytest.mark.parametrize("in_memory", [1, 1 << 20])
def test_objects_come_back_by_namespace_and_once(in_memory: int) -> None:
    with Spool(in_memory) as spool:
        for number in range(100):
            place = spool.write(orjson.dumps({"number": number}))
            spool.place(f"ns-{number % 3}", [Entry(*place, number)])
        assert spool.namespaces == ["ns-0", "ns-1", "ns-2"]
        stored = list(spool.take("ns-1"))
        assert [each.object["number"] for each in stored] == list(range(1, 100, 3))
        assert [each.times for each in stored] == list(range(1, 100, 3))
        assert list(spool.take("ns-1")) == []


def test_what_is_written_and_not_placed_is_never_seen() -> None:
    """A list that began anew: what it had before does not count."""
    with Spool() as spool:
        spool.write(b"{}")
        assert spool.namespaces == []


def test_a_full_disk_says_where_to_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def seek(self, _place: int) -> None: ...

        def write(self, _text: bytes) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None: ...

    def full(**_: Any) -> Full:
        return Full()

    monkeypatch.setattr("audit.spool.tempfile.SpooledTemporaryFile", full)
    with Spool() as spool, pytest.raises(SpoolError, match=r"No space left.*TMPDIR"):
        spool.write(b"{}")


@pytest.mark.parametrize("in_memory", [1, 1 << 20])
@needs_forks
@beside_threads
def test_forks_read_what_was_written_each_on_its_own(in_memory: int) -> None:
    """Their file has one position for all of them."""
    with Spool(in_memory) as spool:
        for number in range(2000):
            spool.place(f"ns-{number % 40}", [Entry(*spool.write(b"[%d]" % number), 1)])
        assert spool.size_of("ns-1") == sum(len(f"[{n}]") for n in range(1, 2000, 40))
        assert spool.size_of("nowhere") == 0
        spool.share()

        def read(place: int) -> list[Any]:
            return [each.object for each in spool.take(f"ns-{place}")]

        with Workers(3, read, range(40), [1] * 40) as workers:
            found = [objects for _, objects in sorted(workers.results())]
    assert found == [[[n] for n in range(place, 2000, 40)] for place in range(40)]
