"""A certificate in files, as a mounted Secret of cert-manager brings it."""

from __future__ import annotations

import datetime
from pathlib import Path

from webhook.certificates import KeyPair, issue_leaf, new_authority

HOSTS = ("127.0.0.1", "localhost")


class CertificateFiles:
    """``tls.crt``, ``tls.key`` and ``ca.crt`` in a directory, and leafs to put there."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.authority = new_authority(_now())
        self._write("ca.crt", self.authority.certificate)
        self.write(self.leaf())

    def leaf(self) -> KeyPair:
        """A further leaf of the same authority."""
        return issue_leaf(self.authority, HOSTS, _now())

    def write(self, pair: KeyPair) -> None:
        """Put a whole pair there."""
        self.write_half(pair)
        self._write("tls.key", pair.key)

    def write_half(self, pair: KeyPair) -> None:
        """Put only the certificate there: the key is still the other one's."""
        self._write("tls.crt", pair.certificate)

    def arguments(self) -> tuple[str, ...]:
        """What the webhook is started with."""
        d = self.directory
        return (
            f"--tls-cert={d / 'tls.crt'}",
            f"--tls-key={d / 'tls.key'}",
            f"--tls-ca={d / 'ca.crt'}",
        )

    def _write(self, name: str, data: bytes) -> None:
        new = self.directory / f"{name}.new"
        new.write_bytes(data)
        new.replace(self.directory / name)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
