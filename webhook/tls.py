"""TLS contexts that are tested before they serve, and swapped without dropping a connection.

The listener keeps one context for its whole life. That context holds no certificate: when a
client says hello, its callback hands the connection over to the context in force. A new pair is
loaded into a context of its own, shakes hands with a client in memory, and only then takes over;
connections that exist go on with what they have. (Loading a mismatched pair into a live context
breaks every later handshake.)
"""

from __future__ import annotations

import datetime
import os
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from webhook.certificates import CertificateError, KeyPair, certificates_of, hosts_of, pem_of

_HANDSHAKE_STEPS = 10
"""A TLS handshake needs three or four flights."""


@dataclass(frozen=True, slots=True)
class Material:
    """What to serve with, and what clients trust it by."""

    pair: KeyPair
    ca_bundle: bytes | None
    """PEM for the caBundle; ``None`` where someone else keeps it (files without a CA)."""

    @property
    def not_after(self) -> datetime.datetime:
        """When the leaf stops being valid."""
        return certificates_of(self.pair.certificate)[0].not_valid_after_utc


class Listener:
    """The server side's context, and the pair in force behind it."""

    def __init__(self) -> None:
        self.context = _server_context()
        self.material: Material | None = None
        self._current: ssl.SSLContext | None = None
        self.observe: Callable[[], None] = lambda: None
        """Called after each swap."""
        # The API server reaches webhooks by IP or by name: with or without SNI this is called.
        self.context.sni_callback = self._hand_over

    def swap(self, material: Material, now: datetime.datetime) -> None:
        """Serve new connections with ``material``, if it passes a handshake.

        Raises ``CertificateError`` otherwise; then nothing has changed.
        """
        self._current = tested_context(material, now)
        self.material = material
        self.observe()

    def _hand_over(
        self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _front: ssl.SSLContext
    ) -> int | None:
        if self._current is None:
            return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
        connection.context = self._current
        return None


def tested_context(material: Material, now: datetime.datetime) -> ssl.SSLContext:
    """A server context that a client can shake hands with.

    Raises ``CertificateError`` when certificate and key don't belong together, the leaf is not
    valid now, or the CA that is given doesn't vouch for it.
    """
    leaf = certificates_of(material.pair.certificate)[0]
    if not leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc:
        span = f"{leaf.not_valid_before_utc:%Y-%m-%d} to {leaf.not_valid_after_utc:%Y-%m-%d}"
        raise CertificateError(f"certificate: valid from {span}, which is not now")
    context = _server_context()
    try:
        with _as_file(material.pair.key + b"\n" + material.pair.certificate) as file:
            context.load_cert_chain(file)
    except (ssl.SSLError, OSError) as error:
        problem = f"certificate and private key can't be loaded together ({error})"
        raise CertificateError(problem) from error
    hosts = hosts_of(leaf)
    _shake_hands(context, material.ca_bundle, hosts[0] if hosts else None)
    return context


def client_context(ca_bundle: bytes | None) -> ssl.SSLContext:
    """A client's context that trusts the bundle only; without one it verifies nothing.

    Raises ``CertificateError`` for a bundle without a certificate (a file that is half written).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_bundle is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    # Written anew: OpenSSL takes no text in other alphabets between the certificates.
    trusted = pem_of(certificates_of(ca_bundle)).decode("ascii")
    try:
        context.load_verify_locations(cadata=trusted)
    except ssl.SSLError as error:
        raise CertificateError(f"CA bundle: can't be loaded ({error})") from error
    return context


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # No resumption: a ticket would let a client go on with a pair that has been replaced, and the
    # API server keeps connections instead of resuming them.
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    return context


def _shake_hands(server: ssl.SSLContext, ca_bundle: bytes | None, host: str | None) -> None:
    """A handshake in memory, as a client would do it."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_side = client_context(ca_bundle)
    if host is None:
        client_side.check_hostname = False
    client = client_side.wrap_bio(to_client, to_server, server_hostname=host)
    listening = server.wrap_bio(to_server, to_client, server_side=True)
    try:
        for _ in range(_HANDSHAKE_STEPS):
            done = [_step(side) for side in (client, listening)]
            if all(done):
                return
    except ssl.SSLError as error:
        raise CertificateError(f"certificate: a test handshake failed ({error})") from error
    raise CertificateError("certificate: a test handshake did not finish")


def _step(side: ssl.SSLObject) -> bool:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


@contextmanager
def _as_file(secret: bytes) -> Iterator[Path]:
    """A path to ``secret``, which OpenSSL insists on: in memory where the kernel can, else 0600."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("karb-guard-tls", os.MFD_CLOEXEC)
        with os.fdopen(descriptor, "wb") as memory:
            memory.write(secret)
            memory.flush()
            yield Path(f"/proc/self/fd/{descriptor}")
        return
    with tempfile.NamedTemporaryFile("wb", prefix="karb-guard-") as file:  # created with 0600
        file.write(secret)
        file.flush()
        yield Path(file.name)
