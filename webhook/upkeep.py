"""What one process of a replica looks after besides reviews: lease, certificate, registration.

Reviews never wait for any of it. Everything here runs in threads, and what only one replica may
write (the authority's Secret, the webhook configurations) is written by the leader.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from karb_guard.cluster.client import ClusterClient
from karb_guard.cluster.leases import Alone, Candidacy, Leader, Leadership
from karb_guard.model.errors import KarbGuardError, UsageError
from webhook import arguments, break_glass, registration, rules
from webhook.authority import DirectoryStore
from webhook.keeper import REFRESH_SECONDS, CertificateKeeper, CertificateSource, Files, SelfManaged
from webhook.loaded import Loaded
from webhook.logs import log
from webhook.metrics import Metrics
from webhook.registration import Registrar, Target
from webhook.rules import RegistrationOptions, ServiceAddress
from webhook.secret_store import SecretStore
from webhook.tls import Listener
from webhook.trust import Trust

CERTIFICATE_PATIENCE_SECONDS = 30.0
"""How long to try for the first certificate: an API server may start at the same time as we."""
FIRST_RETRY_SECONDS = 0.25
MAX_REGISTRATION_BYTES = 1 << 20


class Upkeep:
    """Lease, certificate, registration, break-glass; use ``running`` as a context."""

    def __init__(
        self,
        args: argparse.Namespace,
        cluster: ClusterClient | None,
        listener: Listener,
        metrics: Metrics,
        loaded: Callable[[], Loaded],
    ) -> None:
        """``loaded`` gives what reviews are judged by now: what is registered follows it.

        Raises ``KarbGuardError`` for what the arguments ask for and can't be had.
        """
        self._args = args
        self._cluster = cluster
        self._metrics = metrics
        self._loaded = loaded
        self._wake = threading.Event()
        self._owner = _owner(args, cluster)
        self._leader = self._candidate()
        self.keeper = CertificateKeeper(self._source(), listener, metrics)
        self.switch = break_glass.Switch(metrics)
        self.registrar = self._registrar()
        self.trust = self._trust(listener)
        self._break_glass = self._break_glass_watch()
        metrics.leader.set(self._leader is None)

    @property
    def leadership(self) -> Leadership:
        """What a writer asks before it writes what replicas share."""
        return self._leader or Alone()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Have a certificate, then look after everything until the context ends.

        Raises what the certificate's source raises when there is none after a while.
        """
        stopping = threading.Event()
        with contextlib.ExitStack() as stack:
            if self._leader is not None:
                self._leader.start()
                stack.callback(self._leader.stop)
            first_certificate(self.keeper)
            if self.trust is not None:
                stack.enter_context(self.trust.running())
            thread = threading.Thread(
                target=self._look_after, args=(stopping,), name="certificate", daemon=True
            )
            stack.callback(self._wake.set)
            stack.callback(stopping.set)
            thread.start()
            if self._break_glass is not None:
                self._break_glass.start()
                stack.callback(self._break_glass.stop)
            if self.registrar is not None:
                stack.callback(self.registrar.stop)
                self.registrar.start(_probe(self._args, self._loaded))
            yield

    def _break_glass_watch(self) -> break_glass.Watch | None:
        args, registrar = self._args, self.registrar
        if self._cluster is None or not args.namespace:
            return None
        poke = (lambda: None) if registrar is None else registrar.poke
        watch = break_glass.Watch(
            self._cluster, args.namespace, args.break_glass, self.switch, poke
        )
        if registrar is not None:
            registrar.hold(watch.held)
        return watch

    def _candidate(self) -> Leader | None:
        args = self._args
        if args.lease is None or self._cluster is None:
            return None
        candidacy = Candidacy(args.namespace, args.lease, owner=self._owner)
        return Leader(self._cluster, candidacy, self._led)

    def _led(self, leads: bool) -> None:
        self._metrics.leader.set(leads)
        self._wake.set()
        if leads and self.registrar is not None:
            self.registrar.poke()

    def _source(self) -> CertificateSource:
        args, hosts = self._args, arguments.hosts_of(self._args)
        if args.tls_cert is not None:
            return Files(args.tls_cert, args.tls_key, args.tls_ca)
        if args.tls_dir is not None:
            return SelfManaged(DirectoryStore(args.tls_dir), hosts)
        if self._cluster is None:
            raise UsageError("--tls-secret needs --kubeconfig or --in-cluster")
        store = SecretStore(self._cluster, args.namespace, args.tls_secret, self._owner)
        return SelfManaged(store, hosts, self.leadership)

    def _registrar(self) -> Registrar | None:
        if self._args.register == "none" or self._cluster is None:
            return None
        targets = self._targets()
        return Registrar(self._cluster, targets, self.keeper.bundle, self._metrics, self.leadership)

    def _trust(self, listener: Listener) -> Trust | None:
        """Only of certificates that we sign: files may have chains that are not ours to judge."""
        if self.registrar is None or self._cluster is None or self._args.tls_cert is not None:
            return None
        paths = [target.path for target in self.registrar.targets]
        return Trust(self._cluster, paths, lambda: listener.material, self.leadership)

    def _targets(self) -> list[Target]:
        if self._args.register == "bundle":
            name: str = self._args.registration_name
            kinds = registration.COLLECTIONS
            return [Target(kind, name, registration.bundle_only) for kind in kinds]
        return [self._target(template) for template in _templates(self._args)]

    def _target(self, template: rules.Json) -> Target:
        """``template``, widened by what is loaded at that time."""

        def wanted(stored: rules.Json | None, bundle: bytes) -> rules.Json | None:
            if template["kind"] == rules.MUTATING_KIND and self._loaded().mutator is None:
                return None  # nothing would be changed: no call, no latency
            now = rules.widened(template, self._loaded().judged_kinds)
            return registration.whole(now, self._owner)(stored, bundle)

        return Target(template["kind"], template["metadata"]["name"], wanted)

    def _look_after(self, stopping: threading.Event) -> None:
        """Look after the certificate; a new bundle is registered at once."""
        while not stopping.is_set():
            self._wake.wait(REFRESH_SECONDS)
            self._wake.clear()
            if not stopping.is_set() and self.keeper.refresh() and self.registrar is not None:
                self.registrar.poke()


def first_certificate(keeper: CertificateKeeper) -> None:
    """Try for a while: giving up would leave a restart loop, with waits that only grow."""
    deadline = time.monotonic() + CERTIFICATE_PATIENCE_SECONDS
    while True:
        try:
            return keeper.start()
        except KarbGuardError as error:
            if time.monotonic() > deadline:
                raise
            log(logging.WARNING, "no certificate yet", problem=str(error))
        time.sleep(FIRST_RETRY_SECONDS)


def _owner(args: argparse.Namespace, cluster: ClusterClient | None) -> rules.Json | None:
    if not args.owner or cluster is None:
        return None
    return registration.owner_reference(cluster, args.owner)


def _templates(args: argparse.Namespace) -> Sequence[rules.Json]:
    """The configurations to register, without their caBundle."""
    if args.registration_file is not None:
        return read_registration(args.registration_file)
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
    return [rules.configuration(options, b""), rules.mutating_configuration(options, b"")]


def read_registration(file: Path) -> list[rules.Json]:
    """The webhook configurations of a file, YAML or JSON. Raises ``UsageError``."""
    import yaml

    try:
        text = file.read_bytes()[:MAX_REGISTRATION_BYTES]
        documents = [document for document in yaml.safe_load_all(text) if document]
        kinds = [(document["kind"], document["metadata"]["name"]) for document in documents]
    except (OSError, yaml.YAMLError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"--registration-file {file}: not readable ({error})") from error
    known = ", ".join(registration.COLLECTIONS)
    if not kinds:
        raise UsageError(f"--registration-file {file}: holds none of {known}")
    for kind, name in kinds:
        if kind not in registration.COLLECTIONS or not isinstance(name, str):
            raise UsageError(f"--registration-file {file}: {kind} {name}: only {known} are taken")
    if len({kind for kind, _ in kinds}) < len(kinds):
        raise UsageError(f"--registration-file {file}: more than one of a kind")
    return documents


def _probe(args: argparse.Namespace, loaded: Callable[[], Loaded]) -> Callable[[bytes], bool]:
    address = arguments.address_of(args)
    if isinstance(address, ServiceAddress):
        base = f"https://{address.host}:{address.port}"
    else:
        base = str(address)
    return lambda bundle: registration.answers(base, bundle, loaded().digest)
