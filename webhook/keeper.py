"""Keeps a valid certificate in force: where pairs come from, and when they change."""

from __future__ import annotations

import datetime
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from karb_guard.cluster.leases import Alone, Leadership
from karb_guard.model.errors import KarbGuardError
from webhook import authority
from webhook.authority import Authority, AuthorityStore
from webhook.certificates import (
    MAX_PEM_BYTES,
    CertificateError,
    KeyPair,
    certificates_of,
    hosts_of,
    is_signed,
    issue_leaf,
    renewal_time,
)
from webhook.logs import log, logger
from webhook.metrics import Metrics
from webhook.tls import Listener, Material

SETTLING = datetime.timedelta(hours=1)
"""A new authority signs no renewals for so long: API servers have to see the caBundle first."""

REFRESH_SECONDS = 10.0
"""How often the source is asked. Kubernetes updates mounted Secrets within a minute or so."""

Clock = Callable[[], datetime.datetime]


def utc_now() -> datetime.datetime:
    """The time, aware and in UTC."""
    return datetime.datetime.now(datetime.UTC)


class CertificateSource(Protocol):
    """Gives the material to serve with now. May wait; called off the event loop."""

    def load(self, now: datetime.datetime, current: Material | None) -> Material:
        """The material for ``now``; ``current`` itself where nothing changes.

        Raises ``CertificateError``, or another ``KarbGuardError`` of its store.
        """
        ...


class Files:
    """A certificate and key that someone else keeps (cert-manager, a mounted Secret)."""

    def __init__(self, certificate: Path, key: Path, ca: Path | None = None) -> None:
        self._certificate, self._key, self._ca = certificate, key, ca

    def load(self, now: datetime.datetime, current: Material | None) -> Material:
        """Read the files; a half-written pair fails the handshake test, and the old one stays."""
        pair = KeyPair(_read(self._certificate), _read(self._key))
        found = Material(pair, None if self._ca is None else _read(self._ca))
        return current if found == current and current is not None else found


class SelfManaged:
    """A leaf of our own, signed by the authority that the replicas share."""

    def __init__(
        self, store: AuthorityStore, hosts: Sequence[str], leadership: Leadership | None = None
    ) -> None:
        self._store = store
        self._leadership = leadership or Alone()
        self._hosts = tuple(dict.fromkeys(hosts))
        self._held: Authority | None = None

    def load(self, now: datetime.datetime, current: Material | None) -> Material:
        """Keep the authority alive, and the leaf while it is good."""
        self._held = held = authority.ensure(
            self._store, now, self._held, lambda: self._leadership.is_leader
        )
        if current is not None and not self._leaf_is_due(current, held, now):
            unchanged = current.ca_bundle == held.bundle
            return current if unchanged else Material(current.pair, held.bundle)
        return Material(issue_leaf(held.pair, self._hosts, now), held.bundle)

    def _leaf_is_due(self, current: Material, held: Authority, now: datetime.datetime) -> bool:
        leaf = certificates_of(current.pair.certificate)[0]
        trusted = certificates_of(held.bundle)
        if not any(is_signed(leaf, ca) for ca in trusted):
            return True  # the authority was replaced from outside: nobody trusts the leaf any more
        if set(hosts_of(leaf)) != set(self._hosts):
            return True
        settled = now - held.not_before >= SETTLING
        return now >= renewal_time(leaf) and (settled or now + SETTLING >= current.not_after)


class CertificateKeeper:
    """Asks the source now and then, and puts what is new and good into force."""

    def __init__(
        self,
        source: CertificateSource,
        listener: Listener,
        metrics: Metrics,
        clock: Clock = utc_now,
    ) -> None:
        self._source = source
        self._listener = listener
        self._metrics = metrics
        self._clock = clock
        self._lock = threading.Lock()

    def start(self) -> None:
        """Load the first pair. Raises what the source raises: without a pair nothing is served."""
        with self._lock:
            self._refresh()

    def refresh(self) -> bool:
        """Ask again; whatever goes wrong, the pair in force stays. Whether something changed."""
        with self._lock:
            try:
                return self._refresh()
            except KarbGuardError as error:
                self._metrics.certificate_failures.inc()
                log(logging.ERROR, "certificate not replaced", problem=str(error))
                return False
            except Exception:  # noqa: BLE001 - whatever it is, see below
                # A mistake of ours must not end the thread: nothing would be renewed any more.
                self._metrics.certificate_failures.inc()
                logger.exception("certificate not replaced")
                return False

    def bundle(self) -> bytes | None:
        """The caBundle to register, as the source has it now."""
        material = self._listener.material
        return material.ca_bundle if material else None

    def missing(self) -> str | None:
        """For readiness: what keeps clients from connecting."""
        material = self._listener.material
        if material is None:
            return "no certificate is loaded"
        if material.not_after <= self._clock():
            return f"the certificate expired on {material.not_after:%Y-%m-%d}"
        return None

    def _refresh(self) -> bool:
        now, current = self._clock(), self._listener.material
        found = self._source.load(now, current)
        if found is current:
            return False
        self._listener.swap(found, now)
        self._tell(found)
        return True

    def _tell(self, material: Material) -> None:
        expiry = self._metrics.certificate_expiry
        expiry.labels("leaf").set(material.not_after.timestamp())
        if material.ca_bundle:
            newest = certificates_of(material.ca_bundle)[0].not_valid_after_utc
            expiry.labels("ca").set(newest.timestamp())
        log(logging.INFO, "certificate in force", not_after=str(material.not_after))


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_PEM_BYTES:
            raise CertificateError(f"{file}: larger than {MAX_PEM_BYTES} bytes")
        return file.read_bytes()
    except OSError as error:
        raise CertificateError(f"{file}: can't be read ({error.strerror})") from error
