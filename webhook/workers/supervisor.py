"""``webhook serve`` with several workers: everything that is not reviews, and who does these."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from karb_guard.assembly import Guard
from karb_guard.assembly.transfer import pack
from karb_guard.cluster.client import ClusterClient
from karb_guard.cluster.namespaces import NamespaceLabels
from karb_guard.engine import resilient
from karb_guard.model.errors import KarbGuardError
from webhook.app import OwnProbes, create_probes_app
from webhook.events import Poster, Reference, recording
from webhook.health import Readiness
from webhook.loaded import Loaded
from webhook.loading import loaded_from
from webhook.logs import log
from webhook.metrics import CONTENT_TYPE, Metrics
from webhook.objects import ROLLOUTS, ClusterObjects, Items
from webhook.reload import Reloader, on_hangup
from webhook.serving import Binding, Companion, allow_open_files, config_of, loop_name
from webhook.setup import binding_of, cluster_of, following, judged_kinds, tell
from webhook.takeover import Current, Takeover, reloader_of
from webhook.tls import Listener
from webhook.tracing import endpoint_of
from webhook.upkeep import Upkeep
from webhook.watched import Watched
from webhook.workers import messages, samples
from webhook.workers.child import Worker
from webhook.workers.door import Door
from webhook.workers.feed import State
from webhook.workers.messages import COLLECTIONS, NAMESPACES, Key, Page, Report, Start
from webhook.workers.pool import AFTER_GRACE_SECONDS, Pool, PoolMetrics

PAGES = ("/healthz", "/readyz", "/metrics")


def supervise(args: argparse.Namespace, guard: Guard, count: int) -> None:
    """Serve with ``count`` workers until SIGTERM or SIGINT, then drain and return.

    Raises ``KarbGuardError`` for what can't be started.
    """
    endpoint_of(os.environ)  # refused here, once, and not by every worker
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(samples.directory(count))
        parts = _Parts(args, guard, count, folder)
        parts.enter(stack)
        gc.collect()
        gc.freeze()
        tell(parts.binding, parts.current.loaded, guard, workers=count)
        _serve(parts)
    log(logging.INFO, "ended")


class _Objects(ClusterObjects):
    """Takes what is seen for the workers; what is wrong with rollouts is told here, once."""

    def __init__(self, metrics: Metrics, state: State, current: Current) -> None:
        super().__init__(metrics)
        self._state = state
        self._current = current
        state.known = lambda: dict(self._known)
        for name in COLLECTIONS:
            state.collections[name] = lambda name=name: self._items[name]  # type: ignore[misc]

    def take(self, collection: str, items: Items, *, known: bool = True) -> None:
        """Remember the state of a collection, and feed it to the workers."""
        super().take(collection, items, known=known)
        self._state.changed(collection)
        if collection == ROLLOUTS:
            self.look()

    def look(self) -> None:
        """Tell what is wrong with the rollouts under what is in force."""
        self.rollouts(self._current.get().stages)


class _Probes(OwnProbes):
    """Those of all processes: with many workers, to sum their counts takes a while."""

    async def metrics(self, _: Request) -> Response:
        """Prometheus' text format; made in a thread, so that probes are answered meanwhile."""
        text = await asyncio.get_running_loop().run_in_executor(None, self._render)
        return Response(text, headers={"content-type": CONTENT_TYPE})


class _Parts:
    """What the supervisor consists of."""

    def __init__(self, args: argparse.Namespace, guard: Guard, count: int, folder: Path) -> None:
        loaded = loaded_from(guard, args.namespace)
        self.args = args
        self.guard = guard
        self.folder = folder
        self.binding: Binding = binding_of(args, guard.config.webhook)
        self.current = Current(loaded)
        self.state = State()
        self.readiness = Readiness()
        self.metrics = Metrics(judged_kinds(loaded))
        self.events: Poster | None = None
        self.listener = Listener()
        self.cluster: ClusterClient | None = cluster_of(args)
        self.upkeep = Upkeep(args, self.cluster, self.listener, self.metrics, self.current.get)
        self.objects = _Objects(self.metrics, self.state, self.current)
        self.probes = _Probes(
            lambda: self.current.get().digest, self.readiness, self.metrics, self.render
        )
        self.pool = Pool(
            count,
            self._start,
            pack(guard),
            (self.state, {samples.DIRECTORY_VARIABLE: str(folder)}),
            PoolMetrics(self.metrics.registry),
            self._reported,
        )
        self.door = Door(self.binding.host, self.binding.port, self.pool)
        self.loop: asyncio.AbstractEventLoop | None = None
        self._feed()
        enabled = loaded.enabled
        self.readiness.require("policies", lambda: None if enabled else "no invariant is enabled")
        self.readiness.require("certificate", self.upkeep.keeper.missing)
        self.readiness.require("workers", self.pool.missing)
        if self.upkeep.trust is not None:
            self.readiness.require("trust", self.upkeep.trust.missing)
        self.metrics.loaded(loaded.digest, len(enabled))

    def enter(self, stack: contextlib.ExitStack) -> None:
        """Start everything, workers last: they begin with all that is known by then."""
        args, cluster = self.args, self.cluster
        resilient.begin(self.guard.engine, lambda _: None)
        stack.enter_context(self.upkeep.running())
        if cluster is not None:
            labels = stack.enter_context(self._namespaces(cluster))
            watched = Watched(args, cluster, labels, self.metrics, self.objects)
            running = watched.running(self.current.get, self.upkeep.leadership)
            stack.enter_context(running)
        client = cluster if args.events else None
        self.events = stack.enter_context(recording(client, self.metrics))
        stack.enter_context(self.pool.running())
        reloader = self._reloader(self.events)
        stack.enter_context(reloader.running())
        stack.enter_context(on_hangup(reloader.poke))

    def render(self) -> bytes:
        """Metrics of all processes."""
        return samples.render(self.metrics.registry, self.folder)

    def drain(self) -> None:
        """From now on clients are sent away."""
        self.readiness.drain()
        self.state.ring()

    def _feed(self) -> None:
        self.state.material = lambda: self.listener.material
        self.state.broken = lambda: self.upkeep.switch.data
        self.state.away = lambda: self.readiness.sends_away
        self.listener.observe = self.state.ring
        self.upkeep.switch.observe = self.state.ring

    @contextlib.contextmanager
    def _namespaces(self, cluster: ClusterClient) -> Iterator[NamespaceLabels]:
        labels = NamespaceLabels(cluster, lambda: self.state.changed(NAMESPACES))

        def items() -> Mapping[Key, Any]:
            return {("", name): found for name, found in labels.everything().items()}

        self.state.collections[NAMESPACES] = items
        with following(labels, self.readiness):
            yield labels

    def _start(self, number: int, generation: int, guard: bytes) -> Start:
        args = self.args
        return Start(
            number=number,
            generation=generation,
            guard=guard,
            namespace=args.namespace,
            kubeconfig=args.kubeconfig,
            in_cluster=args.in_cluster,
            events=args.events,
            max_body_bytes=args.max_body_bytes,
            log_level=args.log_level,
            grace_seconds=self.binding.grace_seconds,
        )

    def _reloader(self, events: Poster) -> Reloader:
        def prepare(new: Guard, _: object) -> None:
            self.pool.prepare(pack(new))

        def swap(loaded: Loaded) -> None:
            self.pool.commit()
            self.current.set(loaded)
            self.objects.look()

        takeover = Takeover(prepare, swap, lambda _: None)
        return reloader_of(self.args, self.guard, self.metrics, events, takeover)

    def _reported(self, worker: Worker, report: Report) -> None:
        """An Event, or a question for one of our pages. Called from the worker's thread."""
        if report.kind == messages.EVENT and self.events is not None:
            _post(self.events, report.event or {})
        elif report.kind == messages.ASK and self.loop is not None:
            answering = self._answer(worker, report.number, report.text)
            asyncio.run_coroutine_threadsafe(answering, self.loop)

    async def _answer(self, worker: Worker, number: int, path: str) -> None:
        worker.tell(Page(number, *await self._page(path)))

    async def _page(self, path: str) -> tuple[int, str, bytes]:
        handlers = dict(zip(PAGES, _handlers(self.probes), strict=True))
        handler = handlers.get(path)
        if handler is None:
            return 404, "text/plain", b""
        scope = {"type": "http", "method": "GET", "path": path, "headers": []}
        answer = await handler(Request(scope))
        return answer.status_code, answer.headers["content-type"], bytes(answer.body)


def _handlers(probes: OwnProbes) -> tuple[Callable[[Request], Any], ...]:
    return probes.healthz, probes.readyz, probes.metrics


def _post(events: Poster, event: Mapping[str, Any]) -> None:
    fields = ("api_version", "kind", "name", "namespace", "uid")
    reference = Reference(*(str(event.get(key, "")) for key in fields))
    reason, note, type_ = (str(event.get(key, "")) for key in ("reason", "note", "type"))
    events.post(reference, reason, note, type_, owners=bool(event.get("owners")))


def _serve(parts: _Parts) -> None:
    allow_open_files()
    app = create_probes_app(parts.probes)
    config = config_of(app, parts.binding, parts.binding.metrics_port or 0, loop_name())
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_until_told(parts, app))


async def _until_told(parts: _Parts, app: ASGIApp) -> None:
    loop = asyncio.get_running_loop()
    parts.loop = loop
    ended = asyncio.Event()
    _heed_signals(parts, loop, ended)
    companion = _companion(parts.binding, app)
    serving = None if companion is None else loop.create_task(companion.serve())
    parts.door.start()
    try:
        waiting = {loop.create_task(ended.wait())}
        if serving is not None:
            waiting.add(serving)  # type: ignore[arg-type]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        parts.door.close()
        seconds = parts.binding.grace_seconds + AFTER_GRACE_SECONDS
        await loop.run_in_executor(None, parts.pool.finish, seconds)
        if companion is not None and serving is not None:
            companion.should_exit = True
            await asyncio.gather(serving, return_exceptions=True)
    if not ended.is_set():
        raise KarbGuardError("the port of probes and metrics can't be served; is it taken?")


def _companion(binding: Binding, app: ASGIApp) -> uvicorn.Server | None:
    if binding.metrics_port is None:
        return None
    return Companion(config_of(app, binding, binding.metrics_port, loop_name()))


def _heed_signals(parts: _Parts, loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    """On the first signal drain, on the second end at once."""

    def told() -> None:
        again = parts.readiness.draining
        parts.drain()
        if again or parts.binding.drain_seconds <= 0:
            ended.set()
        else:
            loop.call_later(parts.binding.drain_seconds, ended.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
