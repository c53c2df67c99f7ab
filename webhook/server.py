"""``karb-guard webhook serve``: puts the parts together and runs until told to end."""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
from collections.abc import Iterator

from karb_guard.assembly import Guard, assemble
from karb_guard.cluster.namespaces import NamespaceLabels
from karb_guard.engine import resilient
from webhook import arguments, logs
from webhook.app import OwnProbes, create_app, create_probes_app
from webhook.arguments import add_arguments
from webhook.events import Poster, recording
from webhook.health import Readiness
from webhook.loaded import Namespaces, Surroundings
from webhook.loading import loaded_from
from webhook.logs import log
from webhook.metrics import Metrics
from webhook.namespaces import NoCluster, WatchedNamespaces
from webhook.reload import Reloader, on_hangup
from webhook.service import ReviewService
from webhook.serving import serve
from webhook.setup import binding_of, choices_of, cluster_of, following, judged_kinds, tell
from webhook.takeover import Current, Takeover, reloader_of
from webhook.tls import Listener
from webhook.tracing import tracing
from webhook.upkeep import Upkeep
from webhook.watched import Watched

__all__ = ["add_arguments", "run"]


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT. Raises ``KarbGuardError`` for what can't be started."""
    arguments.check(args)
    logs.configure(args.log_level)
    with assemble(choices_of(args, args.config)) as guard:
        workers = args.workers or guard.config.webhook.workers
        if workers == 1:
            _serve(args, guard)
        else:
            from webhook.workers.supervisor import supervise

            supervise(args, guard, workers)
    return 0


def _serve(args: argparse.Namespace, guard: Guard) -> None:
    loaded = loaded_from(guard, args.namespace)
    metrics, readiness, listener = Metrics(judged_kinds(loaded)), Readiness(), Listener()
    metrics.loaded(loaded.digest, len(loaded.enabled))
    cluster = cluster_of(args)
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
            readiness.require("objects", watched.missing)
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
        digest = lambda: current.get().digest  # noqa: E731
        probes = create_probes_app(OwnProbes(digest, readiness, metrics, metrics.render))
        # What is loaded stays: the collector need not walk it at every turn.
        gc.collect()
        gc.freeze()
        binding = binding_of(args, guard.config.webhook)
        tell(binding, loaded, guard)
        serve(app, probes, listener.context, binding, readiness)
    log(logging.INFO, "ended")


def _reloader(
    args: argparse.Namespace, guard: Guard, current: Current, metrics: Metrics, events: Poster
) -> Reloader:
    def prepare(_: Guard, opa: resilient.ResilientEngine | None) -> None:
        current.opa = opa

    takeover = Takeover(prepare, current.set, metrics.engine_changed)
    return reloader_of(args, guard, metrics, events, takeover)


@contextlib.contextmanager
def _namespaces(labels: NamespaceLabels | None, readiness: Readiness) -> Iterator[Namespaces]:
    if labels is None:
        yield NoCluster()
        return
    watched = WatchedNamespaces(labels.cached, labels.live)
    with contextlib.closing(watched), following(labels, readiness):
        yield watched
