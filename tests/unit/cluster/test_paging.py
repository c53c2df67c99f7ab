"""Lists that meet what happens to API servers, against a real HTTP server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from karb_guard.cluster.client import PAGE, connect
from karb_guard.cluster.errors import ClusterError, ExpiredError
from karb_guard.cluster.paging import FIRST_PAGE, MAX_RESTARTS, Pager, Patience
from tests.support.api_script import Query, Reply, Script, failure, page, scripted

PATH = "/api/v1/pods"


class Rig:
    """A pager of a scripted server, and how long it would have slept."""

    def __init__(self, script: Script, directory: Path) -> None:
        self.script = script
        self.slept: list[float] = []
        client = connect(script.kubeconfig(directory))
        self.pager = Pager(client, Patience(attempts=4, sleep=self.slept.append))

    def names(self) -> list[str]:
        found: list[str] = []
        for each in self.pager.pages(PATH):
            if each.begins:
                found = []
            found += [item["metadata"]["name"] for item in each.items]
        return found


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    opened = []

    def make(answer: Callable[[str, Query], Reply]) -> Rig:
        context = scripted(answer)
        opened.append(context)
        return Rig(context.__enter__(), tmp_path)

    yield make
    for context in opened:
        context.__exit__(None, None, None)


def in_order(*replies: Reply) -> Callable[[str, Query], Reply]:
    left = iter(replies)
    return lambda _path, _query: next(left)


def test_all_pages_are_read_and_items_know_their_kind(rig: Callable[..., Rig]) -> None:
    made = rig(in_order(page(["a", "b"], "t1", 1), page(["c"])))
    pages = list(made.pager.pages(PATH))
    assert [len(each.items) for each in pages] == [2, 1]
    assert [each.begins for each in pages] == [True, False]
    assert pages[0].remaining == 1
    assert pages[1].items[0]["kind"] == "Pod"
    assert pages[1].items[0]["apiVersion"] == "v1"
    assert [query.get("continue") for _, query in made.script.asked] == [None, "t1"]


def test_pages_grow_where_objects_are_small_and_shrink_where_they_are_large(
    rig: Callable[..., Rig],
) -> None:
    large = page(["x" * 1_000_000, "y"], "t2")
    made = rig(in_order(page(["a", "b"], "t1"), large, page(["c"])))
    made.names()
    limits = [int(query["limit"]) for _, query in made.script.asked]
    assert limits[0] == FIRST_PAGE
    assert limits[1] == PAGE
    assert limits[2] < 10


def test_an_expired_list_goes_on_with_the_token_that_the_server_offers(
    rig: Callable[..., Rig],
) -> None:
    expired = failure(410, "too old", token="fresh")  # noqa: S106 -- of a list
    made = rig(in_order(page(["a"], "old"), expired, page(["b"])))
    assert made.names() == ["a", "b"]
    assert made.script.asked[-1][1]["continue"] == "fresh"


def test_an_expired_list_without_a_token_begins_anew(rig: Callable[..., Rig]) -> None:
    made = rig(in_order(page(["a"], "old"), failure(410, "too old"), page(["b"], "t"), page(["c"])))
    assert made.names() == ["b", "c"]


def test_a_list_that_expires_for_ever_is_given_up(rig: Callable[..., Rig]) -> None:
    def answer(_path: str, query: Query) -> Reply:
        return failure(410, "too old") if "continue" in query else page(["a"], "old")

    made = rig(answer)
    with pytest.raises(ExpiredError):
        made.names()
    assert len(made.script.asked) == 2 * (MAX_RESTARTS + 1)


def test_429_waits_as_long_as_the_server_asks(rig: Callable[..., Rig]) -> None:
    made = rig(in_order(failure(429, "busy", retry_after=7), page(["a"])))
    assert made.names() == ["a"]
    assert made.slept == [7.0]


def test_500_is_tried_again_and_then_told(rig: Callable[..., Rig]) -> None:
    made = rig(in_order(failure(500, "etcd is away"), page(["a"])))
    assert made.names() == ["a"]
    always = rig(lambda _path, _query: failure(503, "etcd is away"))
    with pytest.raises(ClusterError, match="503 etcd is away"):
        always.names()
    assert len(always.script.asked) == 4
    assert len(always.slept) == 3


def test_403_is_told_at_once(rig: Callable[..., Rig]) -> None:
    made = rig(lambda _path, _query: failure(403, "forbidden"))
    with pytest.raises(ClusterError) as caught:
        made.names()
    assert caught.value.status == 403
    assert made.slept == []


@pytest.mark.parametrize("chunks", [0, 3])
def test_an_answer_that_breaks_off_is_asked_for_again(rig: Callable[..., Rig], chunks: int) -> None:
    broken = page(["a", "b"])
    broken.cut, broken.chunks = True, chunks
    made = rig(in_order(broken, page(["a", "b"])))
    assert made.names() == ["a", "b"]


def test_answers_in_many_chunks_are_read(rig: Callable[..., Rig]) -> None:
    reply = page([f"pod-{number}" for number in range(50)])
    reply.chunks = 300
    assert len(rig(in_order(reply)).names()) == 50


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"items": 3}', b""])
def test_what_is_no_list_is_told(rig: Callable[..., Rig], body: bytes) -> None:
    with pytest.raises(ClusterError, match=PATH):
        rig(in_order(Reply(body))).names()


def test_a_server_that_is_away_is_tried_again(tmp_path: Path) -> None:
    with scripted(in_order(page(["a"], "t"))) as script:
        made = Rig(script, tmp_path)
        pages = made.pager.pages(PATH)
        next(pages)
    with pytest.raises(ClusterError) as caught:
        next(pages)
    assert caught.value.status == 0
    assert len(made.slept) == 3


def test_the_next_page_is_asked_for_while_this_one_is_worked_on(rig: Callable[..., Rig]) -> None:
    asked = threading.Event()

    def answer(_path: str, query: Query) -> Reply:
        if "continue" not in query:
            return page(["a"], "t1")
        asked.set()
        return page(["b"])

    pages = rig(answer).pager.pages(PATH)
    assert next(pages).items[0]["metadata"]["name"] == "a"
    assert asked.wait(10), "nobody asked for the second page before it was wanted"
    assert next(pages).items[0]["metadata"]["name"] == "b"


def test_a_refused_second_page_is_told_after_the_first(rig: Callable[..., Rig]) -> None:
    made = rig(in_order(page(["a"], "t1"), failure(403, "no longer")))
    pages = made.pager.pages(PATH)
    assert len(next(pages).items) == 1
    with pytest.raises(ClusterError, match="no longer"):
        next(pages)
