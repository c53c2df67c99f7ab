"""A worker process: answers reviews on the connections that it is handed.

What it knows of cluster and configuration is fed to it by its supervisor, off the event loop; it
asks the API server only for owners, and for a namespace that it was not told of. It ends with its
supervisor, whatever becomes of that: the end of what it is fed is its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import logging
import os
import queue
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import Response

from karb_guard.assembly import Guard
from karb_guard.assembly.transfer import unpack
from karb_guard.cluster.client import ClusterClient, connect
from karb_guard.cluster.namespaces import NamespaceLabels
from karb_guard.decisions.rollouts import Rollouts
from karb_guard.engine import resilient
from karb_guard.model.errors import KarbGuardError
from webhook import logs
from webhook.app import create_app
from webhook.break_glass import Switch
from webhook.certificates import CertificateError
from webhook.events import WARNING, NoEvents, Reference
from webhook.health import Readiness
from webhook.keeper import utc_now
from webhook.loading import loaded_from
from webhook.logs import log
from webhook.metrics import Metrics
from webhook.namespaces import Labels, NoCluster, WatchedNamespaces
from webhook.neighbours import LiveNeighbours, neighbours_of
from webhook.objects import ClusterObjects
from webhook.owners import LiveOwners, NoOwners, owners_of
from webhook.reload import Retired
from webhook.scales import NoParents, parents_of
from webhook.service import Loaded, ReviewService, Surroundings
from webhook.serving import Binding, allow_open_files, config_of, loop_name
from webhook.setup import judged_kinds
from webhook.takeover import closed_if_refused, ready
from webhook.tls import Listener, Material
from webhook.tracing import tracing
from webhook.workers import frames, messages, samples
from webhook.workers.messages import Key, Order, Page, Report, Start

MAX_REPORTS = 2000
"""Reports that wait; Events beyond are dropped and counted."""
ASK_SECONDS = 2.0
MAX_QUESTIONS = 16
"""Of those that are asked for the supervisor's pages at once; more get 503."""
HANDSHAKES_SECONDS = 2.0
"""At the end, for connections that were handed over a moment ago."""
LOST = 3
"""Exit code of a worker whose supervisor is gone."""


def main(arguments: Sequence[str]) -> int:
    """Answer reviews until told to end. ``arguments``: a name for people, and three descriptors."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # also where all processes are told: it drains
    feed, reports, connections = (socket.socket(fileno=int(text)) for text in arguments[1:])
    start = _order(feed)
    if not isinstance(start, Start):
        return LOST
    logs.configure(start.log_level, worker=start.number)
    samples.count_as(start.number)
    try:
        with contextlib.closing(_Worker(start, feed, reports, connections)) as worker:
            worker.run()
    except KarbGuardError as error:
        log(logging.ERROR, "worker can't start", problem=str(error))
        return 2
    return 0


def _order(feed: socket.socket) -> Order | None:
    body = frames.receive(feed)
    return None if body is None else messages.read_order(body)


class _Objects(ClusterObjects):
    """What the supervisor saw; it also says what is wrong with it."""

    def _tell(self, found: Rollouts) -> None:
        """Said once, by the supervisor."""


class _Reporter:
    """Sends reports from a thread; nobody waits for them."""

    def __init__(self, to: socket.socket) -> None:
        self._to = to
        self._queue: queue.Queue[Report] = queue.Queue(MAX_REPORTS)
        threading.Thread(target=self._run, name="reports", daemon=True).start()

    def say(self, report: Report) -> bool:
        """Report soon; whether there was room."""
        try:
            self._queue.put_nowait(report)
        except queue.Full:
            return False
        return True

    def _run(self) -> None:
        try:
            while True:
                frames.send(self._to, messages.report_bytes(self._queue.get()))
        except OSError:
            os._exit(LOST)


class _Events:
    """Events, written by the supervisor: it knows what was written before, by all workers."""

    def __init__(self, reporter: _Reporter, metrics: Metrics) -> None:
        self._reporter = reporter
        self._metrics = metrics

    def post(
        self,
        ref: Reference,
        reason: str,
        note: str,
        type_: str = WARNING,
        owners: bool = False,
    ) -> None:
        """See ``webhook.events.Poster``."""
        event = {
            "api_version": ref.api_version,
            "kind": ref.kind,
            "name": ref.name,
            "namespace": ref.namespace,
            "uid": ref.uid,
            "reason": reason,
            "note": note,
            "type": type_,
            "owners": owners,
        }
        if not self._reporter.say(Report(messages.EVENT, event=event)):
            self._metrics.events.labels("queue-full").inc()


class _Asked:
    """The supervisor's pages, for whoever asks on the port of reviews."""

    def __init__(self, reporter: _Reporter) -> None:
        self._reporter = reporter
        self._numbers = itertools.count(1)
        self._open: dict[int, asyncio.Future[Page]] = {}

    async def healthz(self, _: Request) -> Response:
        """The event loop of this worker answers."""
        return Response(b"ok", media_type="text/plain")

    async def readyz(self, request: Request) -> Response:
        """Whether the replica is ready."""
        return await self._ask(request.url.path)

    async def metrics(self, request: Request) -> Response:
        """What all processes counted."""
        return await self._ask(request.url.path)

    def answered(self, page: Page) -> None:
        """An answer came; called on the event loop."""
        future = self._open.get(page.question)
        if future is not None and not future.done():
            future.set_result(page)

    async def _ask(self, path: str) -> Response:
        if len(self._open) >= MAX_QUESTIONS:
            return Response(status_code=503)
        number = next(self._numbers)
        self._open[number] = future = asyncio.get_running_loop().create_future()
        try:
            if not self._reporter.say(Report(messages.ASK, number=number, text=path)):
                return Response(status_code=503)
            page = await asyncio.wait_for(future, ASK_SECONDS)
        except TimeoutError:
            return Response(status_code=503)
        finally:
            del self._open[number]
        return Response(page.body, page.status, headers={"content-type": page.media_type})


class _Readiness(Readiness):
    """Whether clients are sent away is the supervisor's word."""

    away = False

    @property
    def sends_away(self) -> bool:
        """Whether clients shall take their next request elsewhere."""
        return self.away


class _Server(uvicorn.Server):
    """Serves connections that others accepted, until no more can come."""

    def __init__(
        self,
        config: uvicorn.Config,
        connections: socket.socket,
        started: Callable[[asyncio.AbstractEventLoop], None],
    ) -> None:
        super().__init__(config)
        self._connections = connections
        self._started = started
        self._handshakes: set[asyncio.Task[None]] = set()
        self.taken = 0
        """Connections so far."""

    @property
    def open(self) -> int:
        """Connections that are open."""
        return len(self._handshakes) + len(self.server_state.connections)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the supervisor's."""
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Never called."""

    async def main_loop(self) -> None:
        """Take connections until the supervisor hands over no more."""
        loop = asyncio.get_running_loop()
        self._connections.setblocking(False)
        loop.add_reader(self._connections.fileno(), self._take)
        self._started(loop)
        await super().main_loop()

    def _take(self) -> None:
        while True:
            try:
                # One byte belongs to each, so that a read gives exactly one.
                data, descriptors, _, _ = socket.recv_fds(self._connections, 1, 1)
            except BlockingIOError:
                return
            except OSError:
                data, descriptors = b"", []
            loop = asyncio.get_running_loop()
            if not data:
                loop.remove_reader(self._connections.fileno())
                self._keep(loop.create_task(self._leave(set(self._handshakes))))
                return
            for descriptor in descriptors:
                self.taken += 1
                self._keep(loop.create_task(self._shake(socket.socket(fileno=descriptor))))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)

    async def _shake(self, connection: socket.socket) -> None:
        """Let TLS begin; what fails there is the client's."""
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol, connection, ssl=self.config.ssl
            )
        except (OSError, ssl.SSLError):
            connection.close()

    async def _leave(self, handshakes: set[asyncio.Task[None]]) -> None:
        if handshakes:
            await asyncio.wait(handshakes, timeout=HANDSHAKES_SECONDS)
        self.should_exit = True

    def _protocol(self) -> asyncio.Protocol:
        # As uvicorn.Server.startup makes them for sockets that it listens on itself.
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            _loop=asyncio.get_running_loop(),
        )
        return made


class _Worker:
    """What a worker consists of."""

    def __init__(
        self,
        start: Start,
        feed: socket.socket,
        reports: socket.socket,
        connections: socket.socket,
    ) -> None:
        """Put everything together. Raises ``KarbGuardError``."""
        self._start = start
        self._feed_socket = feed
        self._reporter = _Reporter(reports)
        self._guard = unpack(start.guard, resilient=True)
        loaded = loaded_from(self._guard, start.namespace)
        self._metrics = Metrics(judged_kinds(loaded))
        self._opa = resilient.begin(self._guard.engine, self._metrics.engine_changed)
        self._prepared: tuple[int, Guard, Loaded, resilient.ResilientEngine | None] | None = None
        self._retired = Retired()
        self._listener = Listener()
        self._switch = Switch(self._metrics)
        self._objects = _Objects()
        self._labels: dict[Key, Labels] = {}
        self._items: dict[str, dict[Key, Any]] = {name: {} for name in messages.COLLECTIONS}
        self._items[messages.NAMESPACES] = self._labels
        self._known: Mapping[str, bool] = {}
        self._readiness = _Readiness()
        self._asked = _Asked(self._reporter)
        self._synced = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        has_cluster = start.in_cluster or start.kubeconfig is not None
        cluster = connect(start.kubeconfig) if has_cluster else None
        self._namespaces = self._namespaces_of(cluster)
        self._owners: NoOwners | LiveOwners = NoOwners() if cluster is None else owners_of(cluster)
        self._parents = NoParents() if cluster is None else parents_of(cluster)
        self._neighbours: LiveNeighbours | None = None
        if cluster is not None:
            self._neighbours = neighbours_of(cluster, self._objects)
        around = Surroundings(self._objects, self._owners, self._parents, self._neighbours)
        self._service = ReviewService(
            loaded,
            self._namespaces,
            self._metrics,
            broken=self._switch.active,
            surroundings=around,
        )
        posts = start.events and cluster is not None
        self._service.events = _Events(self._reporter, self._metrics) if posts else NoEvents()
        self._server = self._server_of(connections)

    def run(self) -> None:
        """Answer reviews until there are no more connections to come."""
        threading.Thread(target=self._follow, name="feed", daemon=True).start()
        self._synced.wait()
        allow_open_files()
        gc.collect()
        gc.freeze()
        with tracing(self._metrics) as tracer:
            self._service.tracer = tracer
            factory = self._server.config.get_loop_factory()
            with asyncio.Runner(loop_factory=factory) as runner:
                # No socket of its own: connections come from the supervisor.
                runner.run(self._server.serve(sockets=[]))

    def close(self) -> None:
        """Give back what was taken; looks under way are not waited for."""
        for each in (self._namespaces, self._owners, self._parents, self._neighbours):
            if not isinstance(each, NoCluster | NoOwners | NoParents | None):
                each.close()
        self._guard.engine.close()

    def _namespaces_of(self, cluster: ClusterClient | None) -> NoCluster | WatchedNamespaces:
        if cluster is None:
            return NoCluster()
        live = NamespaceLabels(cluster).live
        return WatchedNamespaces(lambda name: self._labels.get(("", name)), live)

    def _server_of(self, connections: socket.socket) -> _Server:
        app = create_app(
            self._service,
            self._readiness,
            self._metrics,
            self._start.max_body_bytes,
            self._asked,
        )
        binding = Binding("", 0, grace_seconds=self._start.grace_seconds)
        config = config_of(app, binding, 0, loop_name(), self._listener.context)
        return _Server(config, connections, self._begun)

    def _begun(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._reporter.say(Report(messages.READY, generation=self._start.generation))

    def _follow(self) -> None:
        """Take orders until there are no more, which is the end of this process."""
        try:
            while (order := _order(self._feed_socket)) is not None:
                self._obey(order)
        except OSError:
            pass  # as an end
        except Exception:
            # Without its feed it would judge by what was: rather begin anew.
            logging.getLogger(__name__).exception("a worker can't follow")
        os._exit(LOST)

    def _obey(self, order: Order) -> None:  # noqa: PLR0912 - one branch an order
        match order:
            case messages.Items(collection, changed, gone):
                self._take(collection, changed, gone)
            case messages.Known(known):
                self._know(known)
            case messages.Certificate(material):
                self._certify(material)
            case messages.BreakGlass(data):
                self._switch.replace(data)
            case messages.Away(away):
                self._readiness.away = away
            case messages.Synced():
                self._synced.set()
            case messages.Ping():
                self._retired.close_due()
                if self._loop is not None:
                    self._loop.call_soon_threadsafe(self._alive)
            case messages.Page():
                if self._loop is not None:
                    self._loop.call_soon_threadsafe(self._asked.answered, order)
            case messages.Prepare(generation, guard):
                self._prepare(generation, guard)
            case messages.Commit(generation):
                self._commit(generation)
            case messages.Abort(generation):
                self._abort(generation)
            case messages.Start():
                pass  # only ever the first

    def _certify(self, material: Material) -> None:
        try:
            self._listener.swap(material, utc_now())
        except CertificateError as error:  # it ran out: what is in force stays, as with one process
            log(logging.ERROR, "certificate not taken over", problem=str(error))

    def _take(self, collection: str, changed: Mapping[Key, Any], gone: Sequence[Key]) -> None:
        items = self._items[collection]
        items.update(changed)
        for key in gone:
            items.pop(key, None)
        if collection in messages.COLLECTIONS:
            known = self._known.get(collection, False)
            self._objects.take(collection, items, known=known)

    def _know(self, known: Mapping[str, bool]) -> None:
        before, self._known = self._known, known
        for collection in messages.COLLECTIONS:
            if before.get(collection) != known.get(collection):
                self._take(collection, {}, ())

    def _alive(self) -> None:
        missing = self._opa.missing if self._opa is not None else None
        server = self._server
        text = (missing or "")[: messages.MAX_TEXT]
        self._reporter.say(Report(messages.ALIVE, taken=server.taken, open=server.open, text=text))

    def _prepare(self, generation: int, packed: bytes) -> None:
        """Put a new configuration together, in a thread: news go on being taken."""

        def make() -> None:
            try:
                self._prepared = (generation, *self._made(packed))
            except KarbGuardError as error:
                text = str(error)[: messages.MAX_TEXT]
                self._reporter.say(Report(messages.REFUSED, generation, text=text))
            except Exception as error:
                logging.getLogger(__name__).exception("a configuration can't be put together")
                text = f"{type(error).__name__}; the log has its trace"
                self._reporter.say(Report(messages.REFUSED, generation, text=text))
            else:
                self._reporter.say(Report(messages.PREPARED, generation))

        threading.Thread(target=make, name="reload", daemon=True).start()

    def _made(self, packed: bytes) -> tuple[Guard, Loaded, resilient.ResilientEngine | None]:
        new = unpack(packed, resilient=True)
        with closed_if_refused(new):
            loaded, opa = ready(new, self._start.namespace, self._metrics.engine_changed)
        return new, loaded, opa

    def _commit(self, generation: int) -> None:
        prepared, self._prepared = self._prepared, None
        if prepared is None or prepared[0] != generation:
            raise RuntimeError(f"configuration {generation} was never prepared")
        _, guard, loaded, self._opa = prepared
        self._service.loaded = loaded
        self._retired.add(self._guard)
        self._guard = guard
        gc.freeze()  # what is loaded stays, as at the start

    def _abort(self, generation: int) -> None:
        prepared = self._prepared
        if prepared is not None and prepared[0] == generation:
            self._prepared = None
            prepared[1].engine.close()
