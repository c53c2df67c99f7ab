"""The certificate authority that replicas share, and where it is kept.

Every replica reads the authority from the store and signs a leaf of its own, so that no leaf key
ever leaves its process. Only the leader writes: it makes a new authority when it finds the stored
one missing, broken or due, and writes it if nobody else did in the meantime. The bundle holds the
newest certificate first and older ones until they expire: clients trust both while leafs change
over. That also holds for an authority that someone put in place of ours.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509

from webhook.certificates import (
    MAX_PEM_BYTES,
    CertificateError,
    KeyPair,
    belong_together,
    certificates_of,
    new_authority,
    pem_of,
    renewal_time,
)
from webhook.logs import log

MAX_BUNDLE = 3
"""Certificates kept in the bundle: the newest and two predecessors."""

_ATTEMPTS = 5
"""Lost races before giving up; each means that someone else has just written a good authority."""


@dataclass(frozen=True, slots=True)
class Authority:
    """The bundle that clients trust (newest first) and the newest certificate's key."""

    pair: KeyPair

    @property
    def bundle(self) -> bytes:
        """PEM for the caBundle."""
        return self.pair.certificate

    @property
    def not_before(self) -> datetime.datetime:
        """When the newest certificate began to count."""
        return certificates_of(self.bundle)[0].not_valid_before_utc

    @property
    def not_after(self) -> datetime.datetime:
        """When the newest certificate stops counting."""
        return certificates_of(self.bundle)[0].not_valid_after_utc

    def is_due(self, now: datetime.datetime) -> bool:
        """Whether a successor has to be made."""
        return now >= renewal_time(certificates_of(self.bundle)[0])


class ConflictError(Exception):
    """Someone else wrote the store since it was read."""


class AuthorityStore(Protocol):
    """Keeps one authority. ``token`` says which state of the store was read."""

    def load(self) -> tuple[KeyPair | None, Any]:
        """The stored pair (``None`` when there is none) and a token for ``save``."""
        ...

    def save(self, pair: KeyPair, token: Any) -> None:
        """Write ``pair`` if the store is still as it was. Raises ``ConflictError`` otherwise."""
        ...


def ensure(
    store: AuthorityStore,
    now: datetime.datetime,
    held: Authority | None = None,
    may_write: Callable[[], bool] = lambda: True,
) -> Authority:
    """The authority in force, made or renewed where needed.

    ``held`` is what this process used so far: a store that lost it gets it back, so that a
    deleted Secret changes nothing for clients. Where ``may_write`` says no, the leader will write;
    until then what is stored or held goes on. Raises ``CertificateError`` where there is neither.
    """
    for _ in range(_ATTEMPTS):
        pair, token = store.load()
        stored = _usable(pair, now)
        joined = _joined(stored, held, now)
        lasts = joined is not None and not joined.is_due(now)
        if joined is not None and lasts and joined == stored:
            return joined
        if not may_write():
            return _until_written(joined, now)
        successor = joined if joined is not None and lasts else _successor(joined, now)
        try:
            store.save(successor.pair, token)
        except ConflictError:
            continue
        log(logging.INFO, "certificate authority written", not_after=str(successor.not_after))
        return successor
    raise CertificateError("certificate authority: the store changed at every attempt to write it")


def _joined(
    stored: Authority | None, held: Authority | None, now: datetime.datetime
) -> Authority | None:
    """The stored authority, and still trusted what this process used so far.

    Somebody may have put another authority in place of ours. Leafs of ours are still served, and
    API servers know of nothing else: whatever follows has to trust both. That holds as well for
    one that is due at once, whose successor would otherwise be the first they hear of.
    """
    if stored is None:
        return held
    if held is None or held.not_after <= now:
        return stored
    kept = certificates_of(stored.bundle)
    if certificates_of(held.bundle)[0] in kept:
        return stored
    return Authority(KeyPair(_bundle(kept, held, now), stored.pair.key))


def _until_written(joined: Authority | None, now: datetime.datetime) -> Authority:
    """What a follower goes by until the leader has written."""
    if joined is None or joined.not_after <= now:
        raise CertificateError("certificate authority: none is stored; the leader has to make it")
    return joined


def _successor(older: Authority | None, now: datetime.datetime) -> Authority:
    fresh = new_authority(now)
    return Authority(KeyPair(_bundle(certificates_of(fresh.certificate), older, now), fresh.key))


def _bundle(
    newer: list[x509.Certificate], older: Authority | None, now: datetime.datetime
) -> bytes:
    """Newest first, and those of ``older`` that still count."""
    known = certificates_of(older.bundle) if older is not None else []
    bundle = newer + [c for c in known if c.not_valid_after_utc > now and c not in newer]
    return pem_of(bundle[:MAX_BUNDLE])


def _usable(pair: KeyPair | None, now: datetime.datetime) -> Authority | None:
    """The stored authority, unless it is broken or expired, which the log tells."""
    if pair is None:
        return None
    try:
        authority = Authority(pair)
        if not belong_together(pair):
            problem = "its key is not that of its certificate"
        elif authority.not_after <= now:
            problem = f"it expired on {authority.not_after:%Y-%m-%d}"
        else:
            return authority
    except CertificateError as error:
        problem = str(error)
    log(logging.WARNING, "stored certificate authority is replaced", problem=problem)
    return None


class DirectoryStore:
    """Keeps the authority in one file of mode 0600, and its certificates beside it for clients."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "authority.pem"
        self._public = directory / "ca.crt"

    @property
    def public_file(self) -> Path:
        """Where clients find the bundle."""
        return self._public

    def load(self) -> tuple[KeyPair | None, Any]:
        """Read the file; the token is its content."""
        try:
            if self._file.stat().st_size > 2 * MAX_PEM_BYTES:
                raise CertificateError(f"{self._file}: too large for a certificate authority")
            content = self._file.read_bytes()
        except FileNotFoundError:
            return None, None
        except OSError as error:
            raise CertificateError(f"{self._file}: can't be read ({error.strerror})") from error
        marker = b"-----BEGIN CERTIFICATE-----"
        key, found, certificates = content.partition(marker)
        return KeyPair(found + certificates, key), content

    def save(self, pair: KeyPair, token: Any) -> None:
        """Replace the file as a whole. Two processes in one directory are told apart by content."""
        if self.load()[1] != token:
            raise ConflictError
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(self._file, pair.key + pair.certificate, 0o600)
            _replace(self._public, pair.certificate, 0o644)
        except OSError as error:
            raise CertificateError(f"{self._file}: can't be written ({error.strerror})") from error


def _replace(file: Path, content: bytes, mode: int) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # 0600
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
        Path(name).chmod(mode)
        Path(name).replace(file)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
