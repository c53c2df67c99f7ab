"""Whatever is sent to ``/validate`` and ``/mutate``: no crash, no 5xx, no internal error, no leak.

``make fuzz FUZZ_SECONDS=600`` takes longer over it. The seed is printed; ``FUZZ_SEED`` repeats it.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from karb_guard.assembly import Choices, assemble
from tests.support.fuzzing import BATCHES, UID, batch, objects
from tests.support.http_client import Connection, Endpoint
from tests.support.lone_webhook import LoneWebhook, lone_webhook
from tests.support.processes import resident_mib
from webhook.app import create_app
from webhook.health import Readiness
from webhook.loading import loaded_from
from webhook.metrics import Metrics
from webhook.namespaces import NoCluster
from webhook.service import ReviewService

SECONDS = float(os.environ.get("FUZZ_SECONDS", "20")) / 2
SEED = int(os.environ.get("FUZZ_SEED", "0")) or int(time.time())
EXAMPLES = 20
"""Of a round; rounds follow one another with growing seeds until the time is over."""
DOORS = ("/validate", "/mutate")
GROWTH_MB = 150
"""More than this is a leak: the largest body that is made here has a few hundred kB."""
ENFORCE_ALL = "stages: {default: {error: enforce, warning: enforce, info: enforce}}\n"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("fuzz") / "karb-guard.yaml"
    file.write_text(ENFORCE_ALL, encoding="utf-8")
    return file


def rounds(check: Callable[[bytes], None]) -> int:
    """Examples until the time is over; how many there were."""
    counted = 0

    def checking(first: int) -> None:
        nonlocal counted
        for body in batch(first):
            check(body)
            counted += 1

    objects()  # read before the time runs
    deadline, number = time.monotonic() + SECONDS, 0
    while time.monotonic() < deadline:
        test = given(BATCHES)(checking)
        test = settings(
            max_examples=EXAMPLES,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )(test)
        seed(SEED + number)(test)()
        number += 1
    return counted


def checked(body: bytes, status: int, answer: bytes) -> None:
    """What every answer has to be."""
    assert status < 500, f"{status} {answer!r} for {body[:2000]!r}"
    document = json.loads(answer)
    if status == 200:
        assert document["kind"] == "AdmissionReview"
        response = document["response"]
        assert isinstance(response["allowed"], bool)
        assert response["uid"]
        assert response["allowed"] or response["status"]["message"]
    else:
        assert document["error"], "a refusal says why"


def test_the_application_answers_whatever_it_is_sent(config: Path) -> None:
    print(f"FUZZ_SEED={SEED}")
    metrics, statuses = Metrics(), Counter[int]()
    with assemble(Choices(config, [])) as guard:
        service = ReviewService(loaded_from(guard, None), NoCluster(), metrics)
        app = create_app(service, Readiness(), metrics)

        def internal() -> float:
            samples = (*metrics.not_evaluated.collect(), *metrics.bad_requests.collect())
            return sum(
                sample.value
                for family in samples
                for sample in family.samples
                if sample.labels.get("cause") == "internal" and sample.name.endswith("_total")
            )

        with asyncio.Runner() as runner:

            def check(body: bytes) -> None:
                before = internal()
                for path in DOORS:
                    status, answer = runner.run(_asgi(app, path, body))
                    checked(body, status, answer)
                    statuses[status] += 1
                assert internal() == before, f"an internal error for {body[:3000]!r}"

            check(b"{}")
            before = resident_mib("self")
            examples = rounds(check)
            grown = resident_mib("self") - before
    print(f"{examples} bodies, statuses {dict(statuses)}, memory {grown:+.0f} MB")
    assert statuses[200] > examples / 5, "nearly everything was refused at the door"
    assert grown < GROWTH_MB


async def _asgi(app: Any, path: str, body: bytes) -> tuple[int, bytes]:
    messages: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    await app(scope, receive, send)
    return messages[0]["status"], b"".join(m.get("body", b"") for m in messages[1:])


@pytest.fixture(scope="module")
def served(config: Path) -> Iterator[LoneWebhook]:
    with lone_webhook(config) as webhook:
        yield webhook


def test_a_process_behind_tls_answers_whatever_it_is_sent(
    served: LoneWebhook,
) -> None:
    pid = served.process.pid
    print(f"FUZZ_SEED={SEED}")
    endpoint = Endpoint("127.0.0.1", served.port, served.tls())
    good = endpoint.request("GET", "/healthz")
    with asyncio.Runner() as runner:
        connection = Connection(endpoint)

        def check(body: bytes) -> None:
            for path in DOORS:
                status, answer = runner.run(connection.ask(endpoint.request("POST", path, body)))
                checked(body, status, answer)

        assert runner.run(connection.ask(good))[0] == 200
        check(b"{}")
        before = resident_mib(pid)
        examples = rounds(check)
        grown = resident_mib(pid) - before
        assert runner.run(connection.ask(good))[0] == 200
        runner.run(_closed(connection))
    print(f"{examples} bodies, {connection.opened} connections, memory {grown:+.0f} MB")
    assert grown < GROWTH_MB
    assert 'cause="internal"' not in served.get("/metrics"), "an internal error: see the log above"


async def _closed(connection: Connection) -> None:
    connection.close()


def test_the_bodies_reach_the_policies() -> None:
    """A gate on the gate: what is made up still holds reviews that can be judged."""
    seen: list[bytes] = []
    for first in range(0, 400, 100):
        seen += batch(first)
    assert sum(UID.encode() in body and b"containers" in body for body in seen) > 40
