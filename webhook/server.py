"""``karb-guard webhook serve``: puts the parts together and runs until told to end."""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from karb_guard.assembly import Choices, Guard, assemble
from karb_guard.cluster.client import ClusterClient, connect
from karb_guard.cluster.namespaces import NamespaceLabels
from karb_guard.config.settings import WebhookSettings
from karb_guard.model.errors import KarbGuardError, UsageError
from webhook import arguments, logs, registration, rules
from webhook.app import create_app, create_probes_app
from webhook.arguments import add_arguments
from webhook.authority import DirectoryStore
from webhook.health import Readiness
from webhook.keeper import (
    REFRESH_SECONDS,
    CertificateKeeper,
    CertificateSource,
    Files,
    SelfManaged,
)
from webhook.loading import loaded_from
from webhook.logs import log
from webhook.metrics import Metrics
from webhook.namespaces import NoCluster, WatchedNamespaces
from webhook.registration import Registrar
from webhook.rules import RegistrationOptions, ServiceAddress
from webhook.secret_store import SecretStore
from webhook.service import Loaded, Namespaces, ReviewService
from webhook.serving import Binding, serve
from webhook.tls import Listener

__all__ = ["add_arguments", "run"]

CERTIFICATE_PATIENCE_SECONDS = 30.0
"""How long to try for the first certificate: an API server may start at the same time as we."""
SYNC_SECONDS = 5.0
"""How long to wait for the namespaces' copy before serving; later ones are asked for live."""
UNLISTED = (
    "namespaces were never listed, so their stages are not known: the log names the API server's "
    "answer; check the credentials and that they may list and watch namespaces"
)
MAX_REGISTRATION_BYTES = 1 << 20


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT. Raises ``KarbGuardError`` for what can't be started."""
    arguments.check(args)
    logs.configure(args.log_level)
    with assemble(Choices(args.config, [str(p) for p in args.policies])) as guard:
        _serve(args, guard)
    return 0


def _serve(args: argparse.Namespace, guard: Guard) -> None:
    loaded = loaded_from(guard, args.namespace)
    judged = {kind for invariant in loaded.catalogue.values() for kind in invariant.match}
    metrics, readiness, listener = Metrics(judged), Readiness(), Listener()
    cluster = _cluster(args)
    keeper = CertificateKeeper(_source(args, cluster), listener, metrics)
    _first_certificate(keeper)
    readiness.require("policies", lambda: None if loaded.enabled else "no invariant is enabled")
    readiness.require("certificate", keeper.missing)
    with contextlib.ExitStack() as stack:
        namespaces = stack.enter_context(_namespaces(cluster, readiness))
        service = ReviewService(loaded, namespaces, metrics)
        registrar = _registrar(args, cluster, keeper, metrics)
        stack.enter_context(_maintenance(keeper, registrar))
        if registrar is not None:
            stack.callback(registrar.stop)
            registrar.start(_probe(args, loaded))
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


def _source(args: argparse.Namespace, cluster: ClusterClient | None) -> CertificateSource:
    if args.tls_cert is not None:
        return Files(args.tls_cert, args.tls_key, args.tls_ca)
    if args.tls_dir is not None:
        return SelfManaged(DirectoryStore(args.tls_dir), arguments.hosts_of(args))
    if cluster is None:
        raise UsageError("--tls-secret needs --kubeconfig or --in-cluster")
    store = SecretStore(cluster, args.namespace, args.tls_secret)
    return SelfManaged(store, arguments.hosts_of(args))


def _first_certificate(keeper: CertificateKeeper) -> None:
    """Try for a while: giving up would leave a restart loop, with waits that only grow."""
    deadline = time.monotonic() + CERTIFICATE_PATIENCE_SECONDS
    while True:
        try:
            return keeper.start()
        except KarbGuardError as error:
            if time.monotonic() > deadline:
                raise
            log(logging.WARNING, "no certificate yet", problem=str(error))
        time.sleep(1.0)


@contextlib.contextmanager
def _namespaces(cluster: ClusterClient | None, readiness: Readiness) -> Iterator[Namespaces]:
    if cluster is None:
        yield NoCluster()
        return
    labels = NamespaceLabels(cluster)
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


@contextlib.contextmanager
def _maintenance(keeper: CertificateKeeper, registrar: Registrar | None) -> Iterator[None]:
    """Look after the certificate in a thread; a new bundle is registered at once."""
    stopping = threading.Event()

    def look_after() -> None:
        while not stopping.wait(REFRESH_SECONDS):
            if keeper.refresh() and registrar is not None:
                registrar.poke()

    thread = threading.Thread(target=look_after, name="certificate", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()


def _registrar(
    args: argparse.Namespace,
    cluster: ClusterClient | None,
    keeper: CertificateKeeper,
    metrics: Metrics,
) -> Registrar | None:
    if args.register == "none" or cluster is None:
        return None
    name: str = args.registration_name
    wanted: registration.Wanted = registration.bundle_only
    if args.register == "whole":
        owner = registration.owner_reference(cluster, args.owner) if args.owner else None
        template = _template(args)
        name = template["metadata"]["name"]
        wanted = registration.whole(template, owner)
    return Registrar(cluster, name, wanted, keeper.bundle, metrics)


def _template(args: argparse.Namespace) -> rules.Json:
    """The configuration to register, without its caBundle."""
    if args.registration_file is not None:
        return _read_registration(args.registration_file)
    address = arguments.address_of(args)
    if address is None:
        raise UsageError("--register needs one of --service and --url")
    excluded = {"kube-system", *([args.namespace] if args.namespace else [])}
    options = RegistrationOptions(
        address,
        name=args.registration_name,
        failure_policy=args.failure_policy,
        excluded_namespaces=tuple(sorted(excluded)),
    )
    return rules.configuration(options, b"")


def _read_registration(file: Path) -> rules.Json:
    import yaml

    try:
        text = file.read_bytes()[:MAX_REGISTRATION_BYTES]
        document = yaml.safe_load(text)
        kind, name = document["kind"], document["metadata"]["name"]
    except (OSError, yaml.YAMLError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"--registration-file {file}: not readable ({error})") from error
    if kind != "ValidatingWebhookConfiguration" or not isinstance(name, str):
        raise UsageError(f"--registration-file {file}: holds no ValidatingWebhookConfiguration")
    found: rules.Json = document
    return found


def _probe(args: argparse.Namespace, loaded: Loaded) -> Callable[[bytes], bool]:
    address = arguments.address_of(args)
    if isinstance(address, ServiceAddress):
        base = f"https://{address.host}:{address.port}"
    else:
        base = str(address)
    return lambda bundle: registration.answers(base, bundle, loaded.digest)


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
