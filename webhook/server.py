"""``karb-guard webhook serve``: puts the parts together and runs until told to end."""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
from collections.abc import Iterator

from karb_guard.assembly import Choices, Guard, assemble
from karb_guard.cluster.client import ClusterClient, connect
from karb_guard.cluster.namespaces import NamespaceLabels
from karb_guard.config.settings import WebhookSettings
from karb_guard.engine import resilient
from webhook import arguments, logs
from webhook.app import create_app, create_probes_app
from webhook.arguments import add_arguments
from webhook.events import recording
from webhook.health import Readiness
from webhook.loading import loaded_from
from webhook.logs import log
from webhook.metrics import Metrics
from webhook.namespaces import NoCluster, WatchedNamespaces
from webhook.service import Loaded, Namespaces, ReviewService, Surroundings
from webhook.serving import Binding, serve
from webhook.tls import Listener
from webhook.tracing import tracing
from webhook.upkeep import Upkeep
from webhook.watched import Watched

__all__ = ["add_arguments", "run"]

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
    with assemble(Choices(args.config, [str(p) for p in args.policies], resilient=True)) as guard:
        _serve(args, guard)
    return 0


def _serve(args: argparse.Namespace, guard: Guard) -> None:
    loaded = loaded_from(guard, args.namespace)
    judged = {kind for invariant in loaded.catalogue.values() for kind in invariant.match}
    metrics, readiness, listener = Metrics(judged), Readiness(), Listener()
    cluster = _cluster(args)
    upkeep = Upkeep(args, cluster, listener, metrics, lambda: loaded)
    readiness.require("policies", lambda: None if loaded.enabled else "no invariant is enabled")
    readiness.require("certificate", upkeep.keeper.missing)
    opa = resilient.begin(guard.engine, lambda outcome: metrics.engine.labels(outcome).inc())
    if opa is not None:
        readiness.require("engine", lambda: opa.missing)
    with contextlib.ExitStack() as stack:
        stack.enter_context(upkeep.running())
        labels = NamespaceLabels(cluster) if cluster is not None else None
        namespaces = stack.enter_context(_namespaces(labels, readiness))
        around = Surroundings()
        if cluster is not None and labels is not None:
            watched = Watched(args, cluster, labels, metrics)
            around = stack.enter_context(watched.running(lambda: loaded, upkeep.leadership))
        service = ReviewService(
            loaded, namespaces, metrics, broken=upkeep.switch.active, surroundings=around
        )
        client = cluster if args.events else None
        service.events = stack.enter_context(recording(client, metrics))
        service.tracer = stack.enter_context(tracing(metrics))
        app = create_app(service, readiness, metrics, args.max_body_bytes)
        probes = create_probes_app(service, readiness, metrics)
        # What is loaded stays: the collector need not walk it at every turn.
        gc.collect()
        gc.freeze()
        binding = _binding(args, guard.config.webhook)
        _tell(binding, loaded, guard)
        serve(app, probes, listener.context, binding, readiness)
    log(logging.INFO, "ended")


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
