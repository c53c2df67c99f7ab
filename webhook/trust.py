"""Whether API servers trust the certificate that a replica starts with.

A replica that starts just after the certificate authority changed signs its certificate by the
newest one, and the caBundle that API servers go by may not have it yet. Until it has, the replica
is not ready. The leader is never held up: it is the one that registers the caBundle, and it may
have to be ready for that. Nor is anybody for longer than a minute, or where nothing is registered
yet.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from cryptography import x509

from karb_guard.cluster.client import ClusterClient
from karb_guard.cluster.leases import Leadership
from karb_guard.model.errors import KarbGuardError
from webhook.certificates import CertificateError, certificates_of, is_signed
from webhook.logs import log, logger
from webhook.tls import Material

PATIENCE_SECONDS = 60.0
"""The longest that a replica is held up: by then something else is wrong."""
LOOK_SECONDS = 0.5
SETTLING_SECONDS = 2.0
"""From a caBundle that was written just now until all API servers have seen it."""

Json = Mapping[str, Any]


class Trust:
    """Compares what is registered with the certificate in force, once, at the start."""

    def __init__(  # noqa: PLR0913 - what it reads, and times for tests
        self,
        client: ClusterClient,
        paths: Iterable[str],
        material: Callable[[], Material | None],
        leadership: Leadership,
        *,
        patience: float = PATIENCE_SECONDS,
        settling: float = SETTLING_SECONDS,
    ) -> None:
        """``paths`` are those of the webhook configurations that lead here; times in seconds."""
        self._client = client
        self._paths = tuple(paths)
        self._material = material
        self._leadership = leadership
        self._patience = patience
        self._settling = settling
        self._stopping = threading.Event()
        self._problem: str | None = "the registered caBundle has not been looked at yet"

    def missing(self) -> str | None:
        """For readiness: why API servers may not trust us, if so."""
        return None if self._leadership.is_leader else self._problem

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Look until all is well or patience ends, in a thread, while the context lasts."""
        thread = threading.Thread(target=self._run, name="trust", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()

    def look(self) -> str | None:
        """What is wrong now. Raises ``KarbGuardError`` where nobody can say."""
        material = self._material()
        if material is None:
            return "no certificate is loaded"
        (leaf, *_) = certificates_of(material.pair.certificate)
        for path in self._paths:
            stored = self._client.get(path)
            if stored is not None and not _trusts(stored, leaf):
                return f"{path}: its caBundle does not hold the CA of this replica's certificate"
        return None

    def _run(self) -> None:
        started, waited = time.monotonic(), False
        while not self._stopping.is_set():
            self._problem = self._seen()
            if self._problem is None:
                break
            if time.monotonic() - started > self._patience:
                log(logging.WARNING, "ready although not trusted", problem=self._problem)
                break
            waited = True
            self._stopping.wait(LOOK_SECONDS)
        if waited and self._problem is None:
            self._problem = "the caBundle was written just now"
            self._stopping.wait(self._settling)
        self._problem = None

    def _seen(self) -> str | None:
        try:
            return self.look()
        except KarbGuardError as error:
            return str(error)
        except Exception:  # noqa: BLE001 - whatever is stored there must not hold a replica up
            logger.exception("the registered caBundle was not compared")
            return None


def _trusts(stored: Json, leaf: x509.Certificate) -> bool:
    """Whether each webhook's caBundle holds the signer; an empty one waits to be filled."""
    bundles = {
        str((webhook.get("clientConfig") or {}).get("caBundle") or "")
        for webhook in stored.get("webhooks") or []
    }
    return all(any(is_signed(leaf, ca) for ca in _certificates(b)) for b in bundles if b)


def _certificates(bundle: str) -> list[x509.Certificate]:
    try:
        return certificates_of(base64.b64decode(bundle))
    except (CertificateError, ValueError, binascii.Error):
        return []
