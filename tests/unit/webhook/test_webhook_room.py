"""The memory for bodies: bounded, and never taken from an ordinary review."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive

from tests.support.webhook_rig import FixedNamespaces, Rig, body, pod
from webhook import app as application
from webhook.body import OBJECTS_WEIGHT, Place, Room, read_body
from webhook.review import ReviewError

LIMIT = 1000


def sender(*parts: bytes, ends: bool) -> Receive:
    """Sends ``parts``; without an end it says nothing more, as a slow client does."""
    left = list(parts)

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left) or not ends}

    return receive


async def kept(room: Room, receive: Receive) -> str | int:
    """What became of a body: its length, or the refusal's status."""
    with room.place() as place:
        try:
            return len(await read_body(receive, LIMIT, place))
        except ReviewError as error:
            return f"{error.status} {error.cause}"


async def slow(room: Room, *parts: bytes) -> asyncio.Task[str | int]:
    task = asyncio.create_task(kept(room, sender(*parts, ends=False)))
    for _ in range(len(parts) + 2):
        await asyncio.sleep(0)
    return task


def run(scene: Callable[[], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        await scene()

    asyncio.run(all_of_it())


def test_the_body_that_comes_in_for_longest_makes_room_for_the_next() -> None:
    async def scene() -> None:
        room = Room(100)
        first = await slow(room, b"x" * 40, b"x" * 10)
        second = await slow(room, b"x" * 50)
        assert room.held == 100
        assert await kept(room, sender(b"y" * 20, b"y" * 20, ends=True)) == 40
        assert await asyncio.wait_for(first, 1) == "503 room"
        assert not second.done()
        assert room.held == 50
        second.cancel()

    run(scene)


def test_bodies_that_wait_for_their_verdict_stay_and_the_next_one_is_refused() -> None:
    async def scene() -> None:
        room = Room(100)
        with room.place() as waiting:
            assert len(await read_body(sender(b"x" * 60, b"x" * 20, ends=True), LIMIT, waiting))
            assert await kept(room, sender(b"y" * 30, ends=True)) == "503 room"
            assert await kept(room, sender(b"y" * 20, ends=True)) == 20
            assert not waiting.evicted
        assert room.held == 0

    run(scene)


def test_a_body_that_is_larger_than_the_room_fits_when_it_is_alone() -> None:
    async def scene() -> None:
        room = Room(100)
        assert await kept(room, sender(b"x" * 90, b"x" * 90, ends=True)) == 180
        assert room.held == 0

    run(scene)


def test_objects_count_more_than_their_text() -> None:
    async def scene() -> None:
        room = Room(100)
        with room.place() as waiting:
            waiting.unfold(await read_body(sender(b"x" * 20, ends=True), LIMIT, waiting))
            assert room.held == 20 * OBJECTS_WEIGHT
            with room.place() as second, pytest.raises(ReviewError) as refused:
                second.unfold(await read_body(sender(b"y" * 20, ends=True), LIMIT, second))
            assert refused.value.head == b"y" * 20
        assert room.held == 0

    run(scene)


def test_an_evicted_body_is_let_go_at_once_not_when_its_reader_wakes() -> None:
    async def scene() -> None:
        room = Room(100)
        first = await slow(room, b"x" * 80)
        with room.place() as place:
            place.take(b"y" * 60)
            assert room.held == 60
        assert not first.done()
        assert await first == "503 room"

    run(scene)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60), st.booleans()), max_size=60))
def test_never_more_than_the_limit_is_held_and_nothing_stays_behind(
    steps: list[tuple[int, int, bool]],
) -> None:
    room, places = Room(100), dict[int, Place]()
    for number, size, ends in steps:
        place = places.get(number)
        if place is None:
            place = places[number] = room.place()
            place.reading(lambda: None)
        if not place.evicted:
            before = place.held
            try:
                place.take(b"x" * size)
                assert place.held == before + size
            except ReviewError:
                assert place.held == before
            assert room.held <= max(room.limit, place.held)
        assert room.held == sum(p.held for p in places.values())
        if ends:
            places.pop(number).__exit__(None, None, None)
    for place in places.values():
        place.__exit__(None, None, None)
    assert room.held == 0


async def post(app: Any, receive: Receive) -> tuple[int, bytes]:
    """Status and body of a POST to ``/validate``."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "path": "/validate", "method": "POST", "headers": headers}
    await app(scope, receive, send)
    return sent[0]["status"], b"".join(m.get("body", b"") for m in sent[1:])


def test_without_room_a_review_is_not_evaluated_and_never_waved_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With failurePolicy Ignore a 503 would let the object in."""
    content = body(pod("server"))

    class Slow(FixedNamespaces):
        """Whose look-up does not end."""

        async def fetch(self, name: str) -> None:
            if name == "elsewhere":
                await asyncio.Event().wait()

    monkeypatch.setattr(application, "Room", lambda: Room(len(content) * OBJECTS_WEIGHT + 100))

    async def scene() -> None:
        rig = Rig(namespaces=Slow())
        elsewhere = pod("server", namespace="elsewhere")
        waiting = asyncio.create_task(post(rig.app, sender(body(elsewhere), ends=True)))
        await asyncio.sleep(0)
        status, answer = await post(rig.app, sender(content, ends=True))
        assert status == 200
        assert b'"allowed":false' in answer
        assert b"bodies of" in answer
        status, _ = await post(rig.app, sender(b'{"a": "' + b"x" * 900, ends=True))
        assert status == 503
        counted = rig.metrics.registry.get_sample_value(
            "karb_guard_bad_requests_total", {"cause": "room"}
        )
        assert counted == 1
        waiting.cancel()

    run(scene)
