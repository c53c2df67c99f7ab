"""Large objects are judged beside the small ones."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from karb_guard.decisions.admission import Decision
from karb_guard.model.stage import Stage
from karb_guard.mutation.mutator import Mutator
from karb_guard.mutation.options import MutationOptions
from tests.support.webhook_rig import Rig, body, pod
from webhook import review as reviews
from webhook.lane import LARGE_BYTES, BusyError, Lane
from webhook.mutate import MutationService


def test_small_reviews_stay_on_the_loop_and_large_ones_leave_it() -> None:
    async def names() -> list[bool]:
        lane = Lane()
        here = threading.current_thread()
        sizes = (0, LARGE_BYTES, LARGE_BYTES + 1)
        return [await lane.run(size, threading.current_thread) is here for size in sizes]

    assert asyncio.run(names()) == [True, True, False]


def test_one_large_object_is_judged_at_a_time() -> None:
    under_way, most = 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        threading.Event().wait(0.01)
        with lock:
            under_way -= 1

    async def run() -> None:
        lane = Lane(wait_seconds=60)
        await asyncio.gather(*(lane.run(LARGE_BYTES + 1, work) for _ in range(8)))

    asyncio.run(run())
    assert most == 1


def test_a_small_review_is_answered_while_a_large_one_is_judged() -> None:
    async def run() -> str:
        lane, end = Lane(), threading.Event()
        large = asyncio.create_task(lane.run(LARGE_BYTES + 1, end.wait))
        await asyncio.sleep(0)
        small = await lane.run(1, lambda: "judged")
        assert not large.done()
        end.set()
        await large
        return small

    assert asyncio.run(run()) == "judged"


def test_who_waits_too_long_is_told_and_the_next_one_gets_its_turn() -> None:
    async def run() -> str:
        lane, end = Lane(wait_seconds=0.01), threading.Event()
        first = asyncio.create_task(lane.run(LARGE_BYTES + 1, end.wait))
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match=r"32 KiB are judged one at a time, and 0\.01 s"):
            await lane.run(LARGE_BYTES + 1, lambda: "too early")
        end.set()
        await first
        return await lane.run(LARGE_BYTES + 1, lambda: "judged")

    assert asyncio.run(run()) == "judged"


def test_an_error_gives_the_turn_back() -> None:
    def fail() -> None:
        raise KeyError("x")

    async def run() -> int:
        lane = Lane()
        for _ in range(2):
            with pytest.raises(KeyError):
                await lane.run(LARGE_BYTES + 1, fail)
        return await lane.run(LARGE_BYTES + 1, lambda: 1)

    assert asyncio.run(run()) == 1


@pytest.mark.parametrize("stage", [Stage.ENFORCE, Stage.WARN])
def test_a_review_without_a_turn_is_not_evaluated_and_never_passes_in_silence(stage: Stage) -> None:
    obj = pod("server", limit="1Gi", annotations={"note": "x" * LARGE_BYTES})
    review = reviews.parse(body(obj), "application/json")

    async def run() -> tuple[Decision, bytes]:
        rig, end = Rig(stage, mutator=Mutator(MutationOptions(enabled=True))), threading.Event()
        rig.service._lane = Lane(wait_seconds=0.01)
        large = asyncio.create_task(rig.service.lane.run(LARGE_BYTES + 1, end.wait))
        await asyncio.sleep(0)
        decision = await rig.service.answer(review)
        answer = await MutationService(rig.service, rig.metrics).answer(review)
        end.set()
        await large
        name = "karb_guard_not_evaluated_total"
        allowed = "true" if decision.allowed else "false"
        count = rig.metrics.registry.get_sample_value(name, {"cause": "busy", "allowed": allowed})
        assert count == 1
        return decision, answer

    decision, answer = asyncio.run(run())
    assert decision.allowed is (stage is Stage.WARN)
    assert "judged one at a time" in str(decision.not_evaluated)
    response = json.loads(answer)["response"]
    assert response["allowed"] is True
    assert response["auditAnnotations"]["not-mutated"].startswith("busy: ")
