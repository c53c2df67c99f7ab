"""A worker process: answers reviews on the connections that it is handed.

What it knows of cluster and configuration is fed to it by its supervisor, off the event loop; it
asks the API server only for owners, and for a namespace that it was not told of. It ends with its
supervisor, whatever becomes of that: the end of what it is fed is its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import threading
from collections.abc import Mapping, Sequence
from typing import Any

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
from webhook.events import NoEvents
from webhook.health import Readiness
from webhook.keeper import utc_now
from webhook.loaded import Loaded, Surroundings
from webhook.loading import loaded_from
from webhook.logs import log
from webhook.metrics import Metrics
from webhook.namespaces import Labels, NoCluster, WatchedNamespaces
from webhook.neighbours import LiveNeighbours, neighbours_of
from webhook.objects import ClusterObjects
from webhook.owners import LiveOwners, NoOwners, owners_of
from webhook.reload import Retired
from webhook.scales import NoParents, parents_of
from webhook.service import ReviewService
from webhook.serving import Binding, allow_open_files, config_of, loop_name
from webhook.setup import judged_kinds
from webhook.takeover import closed_if_refused, ready
from webhook.tls import Listener, Material
from webhook.tracing import tracing
from webhook.workers import frames, messages, samples
from webhook.workers.handed import HandedServer
from webhook.workers.messages import Key, Order, Report, Start
from webhook.workers.pages import AskedPages
from webhook.workers.reporter import LOST, ReportedEvents, Reporter


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


class _Readiness(Readiness):
    """Whether clients are sent away is the supervisor's word."""

    away = False

    @property
    def sends_away(self) -> bool:
        """Whether clients shall take their next request elsewhere."""
        return self.away


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
        self._reporter = Reporter(reports)
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
        self._asked = AskedPages(self._reporter)
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
        self._service.events = (
            ReportedEvents(self._reporter, self._metrics) if posts else NoEvents()
        )
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

    def _server_of(self, connections: socket.socket) -> HandedServer:
        app = create_app(
            self._service,
            self._readiness,
            self._metrics,
            self._start.max_body_bytes,
            self._asked,
        )
        binding = Binding("", 0, grace_seconds=self._start.grace_seconds)
        config = config_of(app, binding, 0, loop_name(), self._listener.context)
        return HandedServer(config, connections, self._begun)

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
