"""What both ways to serve are made of: by one process, or by several behind a supervisor."""

from __future__ import annotations

import argparse
import contextlib
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

from karb_guard.assembly import Choices, Guard
from karb_guard.cluster.client import ClusterClient, connect
from karb_guard.cluster.namespaces import NamespaceLabels
from karb_guard.config.settings import WebhookSettings
from webhook.events import Reference
from webhook.health import Readiness
from webhook.loaded import Loaded
from webhook.logs import log
from webhook.serving import Binding

SYNC_SECONDS = 5.0
"""How long to wait for the namespaces' copy before serving; later ones are asked for live."""
UNLISTED = (
    "namespaces were never listed, so their stages are not known: the log names the API server's "
    "answer; check the credentials and that they may list and watch namespaces"
)


def choices_of(args: argparse.Namespace, config_file: Path | None) -> Choices:
    """What the command line adds to the configuration in ``config_file``."""
    return Choices(config_file, [str(p) for p in args.policies], resilient=True)


def own_pod(args: argparse.Namespace) -> Reference | None:
    """The Pod that we run in, as the kubelet names its host; ``None`` outside of a cluster."""
    if not (args.in_cluster and args.namespace):
        return None
    return Reference("v1", "Pod", socket.gethostname(), args.namespace)


def binding_of(args: argparse.Namespace, settings: WebhookSettings) -> Binding:
    """Where to listen: the command line's word, else the configuration's."""
    metrics_port = settings.metrics_port if args.metrics_port is None else args.metrics_port
    return Binding(
        host=args.address or settings.address,
        port=settings.port if args.port is None else args.port,
        metrics_port=metrics_port or None,
        drain_seconds=args.drain_seconds,
    )


def cluster_of(args: argparse.Namespace) -> ClusterClient | None:
    """The API server, where one is given. Raises ``KarbGuardError`` for what can't be read."""
    if args.kubeconfig is None and not args.in_cluster:
        log(logging.WARNING, "no cluster is given: namespace labels are not known")
        return None
    return connect(args.kubeconfig)


@contextlib.contextmanager
def following(labels: NamespaceLabels, readiness: Readiness) -> Iterator[None]:
    """Follow the namespaces until the context ends; ready once they were listed."""
    readiness.require("namespaces", lambda: None if labels.synced else UNLISTED)
    labels.start()
    if not labels.wait(SYNC_SECONDS):
        log(logging.WARNING, "namespaces are not listed yet; each is asked for live until then")
    try:
        yield
    finally:
        labels.stop()


def tell(binding: Binding, loaded: Loaded, guard: Guard, **more: object) -> None:
    """Log what is served where; ``more`` are further fields."""
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
        **more,
    )


def judged_kinds(loaded: Loaded) -> set[str]:
    """Kinds that metrics count each for itself: what any invariant matches."""
    return {kind for invariant in loaded.catalogue.values() for kind in invariant.match}
