"""One worker as its supervisor sees it: a process, and the threads that speak with it.

The process is started by executing the interpreter anew: the supervisor has threads, and a copy of
it (``fork``) would hold locks that nobody releases. Three sockets are inherited: what it is fed,
what it reports, and the connections that it answers, each of which ends with the supervisor.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from karb_guard.model.errors import KarbGuardError
from webhook.logs import log
from webhook.workers import frames, messages
from webhook.workers.feed import Sent, State
from webhook.workers.messages import Order, Ping, Report, Start, Synced

FEED_SECONDS = 10.0
"""How long a worker may take to read one message."""
START_SECONDS = 120.0
"""From the start of a process until it answers."""
SILENT_SECONDS = 20.0
"""How long a worker's event loop may stand still. A review takes half a second at most, unless the
engine's deadline is set higher."""
FRESH_SECONDS = 3.0
"""A worker that was heard of within this time is preferred for new connections."""
PING_SECONDS = 1.0
MAX_ORDERS = 1000
"""Orders that wait besides the state: answers to questions, mostly. One more is a worker's end."""

_CODE = "import sys; from webhook.workers.worker import main; sys.exit(main(sys.argv[1:]))"

KILLED, EXITED, SILENT, UNFED, NOT_STARTED, OUTDATED = (
    "killed",
    "exited",
    "silent",
    "feed",
    "start",
    "outdated",
)
CAUSES = (KILLED, EXITED, SILENT, UNFED, NOT_STARTED, OUTDATED)
"""Why a worker ended: by a signal that wasn't ours, by itself, or by us because of that."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a worker is started into."""

    state: State
    environment: Mapping[str, str]
    """Variables beside our own."""
    reported: Callable[[Worker, Report], None]
    """Called from the worker's thread for each report but ``alive`` and ``ready``."""
    changed: Callable[[], None]
    """Called when the worker is ready, and when it ended."""


@dataclass(slots=True)
class Seen:
    """What a worker reported of itself last."""

    at: float = 0.0
    """Of ``time.monotonic``."""
    taken: int = 0
    open: int = 0
    missing: str = ""
    """What its engine lacks."""


@dataclass(slots=True)
class _Sockets:
    """Our ends and the worker's."""

    feed: socket.socket
    reports: socket.socket
    connections: socket.socket
    theirs: list[socket.socket] = field(default_factory=list)


class Worker:
    """A process that answers reviews. It is started once and ends once."""

    def __init__(self, start: Start, around: Surroundings) -> None:
        """Start the process; it answers once ``ready``. Raises ``OSError`` where none starts."""
        self.number = start.number
        self.generation = start.generation
        self.prepared = 0
        """The configuration that it put together last, of those that were asked for."""
        self.seen = Seen()
        self.ready = False
        self.ready_at = 0.0
        self.ended_by: str | None = None
        """One of ``CAUSES`` once the process is gone."""
        self._around = around
        self._started = time.monotonic()
        self._handed = 0
        self._reason: str | None = None
        self._finishing = False
        self._bell = threading.Event()
        self._lock = threading.Lock()
        self._orders: list[Order] = [start]
        self._sockets = _sockets()
        self._process = _spawned(start.number, self._sockets, around.environment)
        for target in (self._feed, self._listen):
            name = f"worker {start.number} {target.__name__.strip('_')}"
            threading.Thread(target=target, name=name, daemon=True).start()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def load(self) -> tuple[bool, int]:
        """For choosing: whether it was silent lately, and how many connections it has."""
        seen = self.seen
        silent = time.monotonic() - seen.at > FRESH_SECONDS
        return silent, seen.open + self._handed - seen.taken

    @property
    def answers(self) -> bool:
        """Whether connections may be handed to it."""
        return self.ready and self.ended_by is None and self._reason is None

    def tell(self, order: Order) -> None:
        """Send an order soon. Never waits."""
        with self._lock:
            if len(self._orders) >= MAX_ORDERS:
                too_many = True
            else:
                too_many = False
                self._orders.append(order)
        if too_many:
            self.end(UNFED)  # questions are bounded, so it does not read
        self._bell.set()

    def hand(self, connection: socket.socket) -> bool:
        """Give the worker a connection, without waiting; whether it went out."""
        try:
            socket.send_fds(self._sockets.connections, [b"c"], [connection.fileno()])
        except OSError:  # full, or gone
            return False
        self._handed += 1
        return True

    def look(self) -> None:
        """End a worker that does not start or stands still."""
        now = time.monotonic()
        if self.ended_by is not None or self._finishing:
            return
        if not self.ready:
            if now - self._started > START_SECONDS:
                self.end(NOT_STARTED)
        elif now - self.seen.at > SILENT_SECONDS:
            self.end(SILENT)

    def end(self, reason: str) -> None:
        """Kill the process because of ``reason``, one of ``CAUSES``."""
        if self._reason is None and self.ended_by is None:
            self._reason = reason
            log(logging.ERROR, "worker is killed", worker=self.number, cause=reason, pid=self.pid)
        self.kill()

    def kill(self) -> None:
        """End the process at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def finish(self) -> None:
        """Hand over no more connections: the worker ends once it has answered what it has."""
        self._finishing = True
        if not self.ready:
            self.kill()  # it has nothing, and reads nothing yet
        with contextlib.suppress(OSError):
            self._sockets.connections.shutdown(socket.SHUT_WR)

    def wait(self, seconds: float) -> bool:
        """Wait for the process to end; whether it did."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _feed(self) -> None:
        """Send orders and news until the worker is gone."""
        state, bell = self._around.state, self._bell
        state.listen(bell)
        sent, synced = Sent(state), False
        try:
            while self.ended_by is None:
                for order in self._due(sent):
                    frames.send(self._sockets.feed, messages.order_bytes(order))
                if not synced:
                    frames.send(self._sockets.feed, messages.order_bytes(Synced()))
                    synced = True
                frames.send(self._sockets.feed, messages.order_bytes(Ping()))
                bell.wait(PING_SECONDS)
                bell.clear()
        except TimeoutError:
            self.end(UNFED)
        except OSError:
            pass  # it is gone: whoever listens to it says so
        except Exception:
            logging.getLogger(__name__).exception("a worker can't be fed")
            self.end(UNFED)
        finally:
            state.leave(bell)

    def _due(self, sent: Sent) -> Iterator[Order]:
        with self._lock:
            orders, self._orders = self._orders, []
        yield from orders
        yield from sent.news()

    def _listen(self) -> None:
        """Take reports until the worker is gone, and say that it is."""
        try:
            while (body := frames.receive(self._sockets.reports)) is not None:
                self._take(messages.read_report(body))
        except OSError:
            pass  # the process is gone
        except KarbGuardError as error:
            log(logging.ERROR, "worker not understood", worker=self.number, problem=str(error))
            self._reason = self._reason or EXITED
        except Exception:
            logging.getLogger(__name__).exception("a worker's report was not taken")
            self._reason = self._reason or EXITED
        self._gone()

    def _take(self, report: Report) -> None:
        if report.kind == messages.ALIVE:
            now = time.monotonic()
            self.seen = Seen(now, report.taken, report.open, report.text)
        elif report.kind == messages.READY:
            self.seen.at = self.ready_at = time.monotonic()
            self._sockets.feed.settimeout(FEED_SECONDS)
            self.ready = True
            self._around.changed()
        else:
            self._around.reported(self, report)

    def _gone(self) -> None:
        self.kill()  # it may only have closed its end
        code = self._process.wait()
        for each in (self._sockets.feed, self._sockets.reports, self._sockets.connections):
            each.close()
        by_us = self._reason
        self.ended_by = by_us or (KILLED if code < 0 else EXITED)
        self._bell.set()
        if not (self._finishing and code == 0):
            said = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            log(
                logging.ERROR,
                "worker ended",
                worker=self.number,
                pid=self.pid,
                cause=self.ended_by,
                ended=said,
            )
        self._around.changed()


def _sockets() -> _Sockets:
    pairs = [socket.socketpair() for _ in range(3)]
    (feed, _), (reports, _), (connections, _) = pairs
    feed.settimeout(START_SECONDS)  # until it is ready, it is busy with the first order
    connections.setblocking(False)
    return _Sockets(feed, reports, connections, [theirs for _, theirs in pairs])


def _spawned(
    number: int, sockets: _Sockets, environment: Mapping[str, str]
) -> subprocess.Popen[Any]:
    descriptors = [each.fileno() for each in sockets.theirs]
    # -P: a folder called `webhook` where the user stands must not be imported.
    command = [sys.executable, "-P", "-c", _CODE, f"karb-guard-worker-{number}"]
    try:
        return subprocess.Popen(  # noqa: S603 - this interpreter, with a text of ours
            [*command, *map(str, descriptors)],
            stdin=subprocess.DEVNULL,
            pass_fds=descriptors,
            env={**os.environ, **environment},
            process_group=0,  # Ctrl-C in a terminal is for the supervisor, which drains
        )
    except OSError:
        for each in (sockets.feed, sockets.reports, sockets.connections):
            each.close()
        raise
    finally:
        for each in sockets.theirs:
            each.close()
