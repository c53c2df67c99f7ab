"""A steady load of pod creates through the API server that knows the right verdict of each.

Open loop: requests leave on schedule, whatever became of earlier ones. Good pods must be
admitted, bad ones denied by name. What was not answered right is asked again with growing waits,
as a ReplicaSet's controller does.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import BAD, pod, unique
from tests.support.http_client import Connection, UnansweredError, api_server

LOAD_LABEL = "karb.dev/drill"
DENIED = b"KARB-RES-002"
"""A bad pod's only finding, which a denial has to name."""
BAD_EVERY = 3
"""One in so many pods is bad."""
CONNECTIONS = 24
FIRST_RETRY_SECONDS = 0.005
LONGEST_RETRY_SECONDS = 1.0
"""Waits double from the first to the longest: the default limiter of controllers, cut short."""
PATIENCE_SECONDS = 30.0
LATE_SECONDS = 0.25
"""A request that leaves later than this after its turn was kept waiting by the load itself."""


@dataclass(slots=True)
class Request:
    """One create, and what became of it. Times of ``time.monotonic``."""

    name: str
    good: bool
    due: float
    sent: float = 0.0
    ended: float = 0.0
    outcome: str = "open"
    """``right``, ``admitted`` (a bad pod that got in), ``failed``, ``unanswered``, ``open``."""
    detail: str = ""
    attempts: int = 1
    settled: float = 0.0
    """When a retry was answered right at last; 0 where none was needed or none was."""


@dataclass
class Result:
    """What a drill measured."""

    requests: list[Request]
    started: float
    stopped: float
    stray: list[str] = field(default_factory=list)
    """Bad pods that are in the cluster, whatever their creator was told."""
    events: list[tuple[str, float]] = field(default_factory=list)

    @property
    def wrongly_admitted(self) -> int:
        """Bad pods that got in: by an answer, or found in the cluster afterwards."""
        told = {one.name for one in self.requests if one.outcome == "admitted"}
        return len(told | set(self.stray))

    @property
    def failed(self) -> list[Request]:
        """Answered, but neither admitted nor denied as it should be."""
        return [one for one in self.requests if one.outcome == "failed"]

    @property
    def unanswered(self) -> int:
        """Requests that the API server never answered."""
        return sum(one.outcome == "unanswered" for one in self.requests)

    @property
    def unsettled(self) -> list[Request]:
        """Requests that no retry brought to the right answer."""
        return [r for r in self.requests if r.outcome != "right" and not r.settled]

    @property
    def rate(self) -> float:
        """Requests that left a second: what was offered really."""
        return sum(one.sent > 0 for one in self.requests) / (self.stopped - self.started)

    @property
    def late(self) -> int:
        """Requests that the load itself sent late."""
        return sum(one.sent - one.due > LATE_SECONDS for one in self.requests)

    def in_flight(self, at: float) -> int:
        """Requests on their way at a moment."""
        return sum(one.sent <= at < one.ended for one in self.requests)

    def failed_after(self, at: float, seconds: float = 1.0) -> list[Request]:
        """Failures of requests that left more than ``seconds`` after ``at``."""
        return [one for one in self.failed if one.sent > at + seconds]

    def recovery(self, at: float) -> float:
        """Seconds from ``at`` to the answer of the last request that went wrong; 0 for none."""
        bad = [r.ended for r in self.requests if r.outcome != "right" and r.ended >= at]
        return max(bad, default=at) - at

    def slowest(self) -> float:
        """Seconds of the slowest first answer."""
        return max((one.ended - one.sent for one in self.requests), default=0.0)

    def reasons(self) -> str:
        """The failures' words, the most frequent first."""
        counted = Counter(one.detail for one in self.requests if one.outcome != "right")
        return "\n".join(f"{count} x {text}" for text, count in counted.most_common(5))


class Load:
    """Creates pods until stopped. Use ``running`` as a context."""

    def __init__(self, cluster: Cluster, namespaces: Sequence[str], rate: float) -> None:
        self._cluster = cluster
        self._namespaces = list(namespaces)
        self._endpoint = api_server(cluster)
        self._interval = 1 / rate
        self._run_id = unique("load")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._main, name="load", daemon=True)
        self._requests: list[Request] = []
        self._connections: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        self._started = self._stopped = 0.0
        self._bodies = {good: _body(self._run_id, good) for good in (True, False)}

    @property
    def sent(self) -> int:
        """Requests so far."""
        return len(self._requests)

    def right_since(self, moment: float) -> int:
        """Requests that left after ``moment`` and were answered right at once."""
        return sum(r.outcome == "right" and r.sent > moment for r in list(self._requests))

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> Result:
        """Let what is under way end, and count."""
        self._stopping.set()
        self._thread.join(2 * PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "the load did not end"
        return Result(self._requests, self._started, self._stopped, self._stray())

    def clean(self) -> None:
        """Delete the pods."""
        for namespace in self._namespaces:
            self._cluster.kubectl(
                *("delete", "pods", f"-n{namespace}", f"-l{LOAD_LABEL}={self._run_id}"),
                *("--wait=false", "--grace-period=0", "--force"),
                check=False,
            )

    def _stray(self) -> list[str]:
        found: list[str] = []
        for namespace in self._namespaces:
            listed = self._cluster.kubectl(
                *("get", "pods", f"-n{namespace}", f"-l{LOAD_LABEL}={self._run_id},good=false"),
                "-oname",
            )
            found += [line.partition("/")[2] for line in listed.stdout.split()]
        return found

    def _main(self) -> None:
        asyncio.run(self._offer())

    async def _offer(self) -> None:
        for _ in range(CONNECTIONS):
            self._connections.put_nowait(Connection(self._endpoint))
        tasks: set[asyncio.Task[None]] = set()
        self._started = due = time.monotonic()
        while not self._stopping.is_set():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            number = len(self._requests)
            good = number % BAD_EVERY != 0
            request = Request(f"{'good' if good else 'bad'}-{number}", good, due)
            self._requests.append(request)
            task = asyncio.create_task(self._settle(request, number))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            due += self._interval
        self._stopped = time.monotonic()
        await asyncio.gather(*tasks)

    async def _settle(self, request: Request, number: int) -> None:
        where = self._namespaces[number % len(self._namespaces)]
        body = self._bodies[request.good].replace(b"NAME", f"{request.name}".encode())
        raw = self._endpoint.request("POST", f"/api/v1/namespaces/{where}/pods", body)
        request.outcome, request.detail = await self._ask(request, raw)
        wait, deadline = FIRST_RETRY_SECONDS, time.monotonic() + PATIENCE_SECONDS
        outcome = request.outcome
        while outcome not in ("right", "admitted") and time.monotonic() < deadline:
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_RETRY_SECONDS)
            request.attempts += 1
            outcome, _ = await self._ask(request, raw, again=True)
            if outcome == "right":
                request.settled = time.monotonic()
            elif outcome == "admitted":
                request.outcome = outcome

    async def _ask(self, request: Request, raw: bytes, *, again: bool = False) -> tuple[str, str]:
        connection = await self._connections.get()
        sent = time.monotonic()
        try:
            status, body = await connection.ask(raw)
        except UnansweredError as error:
            return "unanswered", str(error)
        finally:
            if not again:
                request.sent, request.ended = sent, time.monotonic()
            self._connections.put_nowait(connection)
        return verdict(request.good, status, body, again=again)


def verdict(good: bool, status: int, body: bytes, *, again: bool = False) -> tuple[str, str]:
    """What an answer means for a pod that is ``good`` or not: an outcome and its words."""
    admitted = status == 201 or (again and status == 409)
    if admitted:
        return ("right", "") if good else ("admitted", "a bad pod got in")
    if not good and status == 403 and DENIED in body:
        return "right", ""
    return "failed", f"{status} {_message(body)}"


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])[:300]
    except (ValueError, KeyError, TypeError):
        return repr(body[:100])


def _body(run_id: str, good: bool) -> bytes:
    made = pod("NAME", **({} if good else BAD))
    labels = made["metadata"]["labels"]
    made["metadata"]["labels"] = {**labels, LOAD_LABEL: run_id, "good": str(good).lower()}
    return json.dumps(made).encode()


@contextmanager
def running(cluster: Cluster, namespaces: Sequence[str], rate: float) -> Iterator[Load]:
    """A load that has begun; whoever uses it calls ``stop``. The pods are deleted at the end."""
    load = Load(cluster, namespaces, rate)
    load.start()
    try:
        yield load
    finally:
        if load._thread.is_alive():
            load.stop()
        load.clean()


HEAD = (
    *("drill", "requests", "rate/s", "wrongly admitted", "wrongly failed", "never answered"),
    *("in flight at the event", "failed after 1 s", "never settled", "slowest s", "recovered in s"),
)


def row(name: str, result: Result, event: float) -> tuple[object, ...]:
    """A drill's line in the table."""
    return (
        *(name, len(result.requests), f"{result.rate:.1f}", result.wrongly_admitted),
        *(len(result.failed), result.unanswered, result.in_flight(event)),
        *(len(result.failed_after(event)), len(result.unsettled), f"{result.slowest():.2f}"),
        f"{result.recovery(event):.2f}",
    )
