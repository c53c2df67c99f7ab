"""``karb-guard webhook serve``: puts the parts together and runs until told to end."""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from karb_guard.assembly import Choices, Guard, assemble
from karb_guard.cluster.client import ClusterClient, connect
from karb_guard.cluster.namespaces import NamespaceLabels
from karb_guard.config.settings import WebhookSettings
from karb_guard.engine import resilient
from karb_guard.engine.interface import EngineError
from webhook import arguments, logs
from webhook.app import create_app, create_probes_app
from webhook.arguments import add_arguments
from webhook.events import Poster, Reference, recording
from webhook.health import Readiness
from webhook.loading import loaded_from
from webhook.logs import log
from webhook.metrics import Metrics
from webhook.namespaces import NoCluster, WatchedNamespaces
from webhook.reload import Assembled, Reloader, Told, on_hangup
from webhook.service import Loaded, Namespaces, ReviewService, Surroundings
from webhook.serving import Binding, serve
from webhook.tls import Listener
from webhook.tracing import tracing
from webhook.upkeep import Upkeep
from webhook.watched import Watched

__all__ = ["add_arguments", "run"]

ENGINE_SECONDS = 15.0
"""How long a reload waits for an OPA server to have the same policies."""
SYNC_SECONDS = 5.0
"""How long to wait for the namespaces' copy before serving; later ones are asked for live."""
UNLISTED = (
    "namespaces were never listed, so their stages are not known: the log names the API server's "
    "answer; check the credentials and that they may list and watch namespaces"
)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT. Raises ``KarbGuardError`` for what can't be started."""
    arguments.check(args)
    logs.configure(args.log_level)
    with assemble(_choices(args, args.config)) as guard:
        _serve(args, guard)
    return 0


def _choices(args: argparse.Namespace, config_file: Path | None) -> Choices:
    return Choices(config_file, [str(p) for p in args.policies], resilient=True)


def _serve(args: argparse.Namespace, guard: Guard) -> None:
    loaded = loaded_from(guard, args.namespace)
    judged = {kind for invariant in loaded.catalogue.values() for kind in invariant.match}
    metrics, readiness, listener = Metrics(judged), Readiness(), Listener()
    metrics.loaded(loaded.digest, len(loaded.enabled))
    cluster = _cluster(args)
    current = Current(loaded)
    upkeep = Upkeep(args, cluster, listener, metrics, current.get)
    readiness.require("policies", lambda: None if loaded.enabled else "no invariant is enabled")
    readiness.require("certificate", upkeep.keeper.missing)
    if upkeep.trust is not None:
        readiness.require("trust", upkeep.trust.missing)
    current.opa = resilient.begin(guard.engine, metrics.engine_changed)
    readiness.require("engine", current.engine_missing)
    with contextlib.ExitStack() as stack:
        stack.enter_context(upkeep.running())
        labels = NamespaceLabels(cluster) if cluster is not None else None
        namespaces = stack.enter_context(_namespaces(labels, readiness))
        around = Surroundings()
        if cluster is not None and labels is not None:
            watched = Watched(args, cluster, labels, metrics)
            around = stack.enter_context(watched.running(current.get, upkeep.leadership))
        service = ReviewService(
            loaded, namespaces, metrics, broken=upkeep.switch.active, surroundings=around
        )
        client = cluster if args.events else None
        service.events = stack.enter_context(recording(client, metrics))
        service.tracer = stack.enter_context(tracing(metrics))
        current.service = service
        reloader = _reloader(args, guard, current, metrics, service.events)
        stack.enter_context(reloader.running())
        stack.enter_context(on_hangup(reloader.poke))
        app = create_app(service, readiness, metrics, args.max_body_bytes)
        probes = create_probes_app(service, readiness, metrics)
        # What is loaded stays: the collector need not walk it at every turn.
        gc.collect()
        gc.freeze()
        binding = _binding(args, guard.config.webhook)
        _tell(binding, loaded, guard)
        serve(app, probes, listener.context, binding, readiness)
    log(logging.INFO, "ended")


class Current:
    """What is in force: read by the registration, replaced as a whole by a reload."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self.service: ReviewService | None = None
        self.opa: resilient.ResilientEngine | None = None
        """The engine, where it is one that can go away."""

    def engine_missing(self) -> str | None:
        """Why nothing can be evaluated now, if so."""
        return None if self.opa is None else self.opa.missing

    def get(self) -> Loaded:
        """What reviews are judged by now."""
        return self._loaded

    def set(self, loaded: Loaded) -> None:
        """Put ``loaded`` in force, for the next review on."""
        self._loaded = loaded
        if self.service is not None:
            self.service.loaded = loaded


def _reloader(
    args: argparse.Namespace, guard: Guard, current: Current, metrics: Metrics, events: Poster
) -> Reloader:
    choices = _choices(args, guard.loaded.file)

    def make() -> Assembled:
        new = assemble(choices)
        try:
            opa = resilient.begin(new.engine, metrics.engine_changed)
            if opa is not None:
                _until_there(opa)
            loaded = loaded_from(new, args.namespace)
        except BaseException:
            new.engine.close()
            raise
        current.opa = opa
        return new, loaded

    return Reloader(guard, make, current.set, metrics, Told(events, _own_pod(args)))


def _until_there(opa: resilient.ResilientEngine) -> None:
    """Wait for an OPA server that has the new policies. Raises ``EngineError`` after a while."""
    deadline = time.monotonic() + ENGINE_SECONDS
    while (missing := opa.missing) is not None:
        if time.monotonic() > deadline:
            raise EngineError(f"the engine can't evaluate the new policies: {missing}")
        time.sleep(0.1)


def _own_pod(args: argparse.Namespace) -> Reference | None:
    """The Pod that we run in, as the kubelet names its host; ``None`` outside of a cluster."""
    if not (args.in_cluster and args.namespace):
        return None
    return Reference("v1", "Pod", socket.gethostname(), args.namespace)


def _binding(args: argparse.Namespace, settings: WebhookSettings) -> Binding:
    metrics_port = settings.metrics_port if args.metrics_port is None else args.metrics_port
    return Binding(
        host=args.address or settings.address,
        port=settings.port if args.port is None else args.port,
        metrics_port=metrics_port or None,
        drain_seconds=args.drain_seconds,
    )


def _cluster(args: argparse.Namespace) -> ClusterClient | None:
    if args.kubeconfig is None and not args.in_cluster:
        log(logging.WARNING, "no cluster is given: namespace labels are not known")
        return None
    return connect(args.kubeconfig)


@contextlib.contextmanager
def _namespaces(labels: NamespaceLabels | None, readiness: Readiness) -> Iterator[Namespaces]:
    if labels is None:
        yield NoCluster()
        return
    readiness.require("namespaces", lambda: None if labels.synced else UNLISTED)
    labels.start()
    if not labels.wait(SYNC_SECONDS):
        log(logging.WARNING, "namespaces are not listed yet; each is asked for live until then")
    watched = WatchedNamespaces(labels.cached, labels.live)
    try:
        yield watched
    finally:
        labels.stop()
        watched.close()


def _tell(binding: Binding, loaded: Loaded, guard: Guard) -> None:
    log(
        logging.INFO,
        "serving",
        address=f"{binding.host}:{binding.port}",
        metrics_port=binding.metrics_port,
        invariants=len(loaded.enabled),
        engine=guard.engine.name,
        configuration=guard.loaded.label,
        loaded=loaded.digest,
        exempt_namespaces=loaded.exempt_namespaces,
    )
