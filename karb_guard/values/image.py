"""Image references, read as the container runtimes and the API server read them.

The grammar and the defaults (``docker.io``, ``library/``) are those of
github.com/distribution/reference v0.6 (``ParseNormalizedNamed``), which containerd, CRI-O and
Kubernetes use; digests are checked as github.com/opencontainers/go-digest does. The tests hold
a table that was answered by that code.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from karb_guard.model.patterns import lazy

MAX_LENGTH = 1024
"""Longer references are refused: a name has at most 255 characters, a tag 128, a digest 135."""

MAX_REPOSITORY = 255
DEFAULT_REGISTRY = "docker.io"

_LEGACY_REGISTRY = "index.docker.io"
_DIGEST_LENGTH = {"sha256": 64, "sha384": 96, "sha512": 128}
_HEX = lazy(r"[a-f0-9]+")
_BARE_ID = lazy(r"[a-f0-9]{64}")

_HOST_PART = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = rf"(?:{_HOST_PART}(?:\.{_HOST_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = lazy(
    rf"(?:(?P<registry>{_HOST})/)?(?P<repository>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?"
)


class ImageReference(NamedTuple):
    """A parsed reference. With ``error`` set, only ``raw`` means anything."""

    raw: str
    registry: str | None = None
    """Host with port, as written; ``docker.io`` where none is named, ``""`` in the rare
    reference whose first component has a dot but can't be a host (``a_b.c/d``)."""
    repository: str | None = None
    tag: str | None = None
    """As written; ``None`` where there is none (a runtime then takes ``latest``)."""
    digest: str | None = None
    error: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """The shape that policies see."""
        return {
            "raw": self.raw,
            "registry": self.registry,
            "repository": self.repository,
            "tag": self.tag,
            "digest": self.digest,
            "error": self.error,
        }


def parse_image(raw: str) -> ImageReference:
    """Parse an image reference; never raises, results are cached."""
    if len(raw) > MAX_LENGTH:
        return ImageReference(raw[:MAX_LENGTH], error=f"longer than {MAX_LENGTH} characters")
    return _parse(raw)


@lru_cache(maxsize=4096)
def _parse(raw: str) -> ImageReference:
    if not raw:
        return ImageReference(raw, error="empty")
    if _BARE_ID.fullmatch(raw):
        return ImageReference(raw, error="64 hexadecimal characters are an image id, not a name")
    registry, remainder = _split_registry(raw)
    name = remainder.partition(":")[0]
    if name != name.lower():
        return ImageReference(raw, error=f"repository name {name!r} must be lowercase")
    match = _REFERENCE.fullmatch(f"{registry}/{remainder}")
    if match is None:
        return ImageReference(raw, error="not an image reference")
    return _checked(raw, match)


def _checked(raw: str, match: re.Match[str]) -> ImageReference:
    registry, repository, tag, digest = match.groups()
    if len(repository) > MAX_REPOSITORY:
        return ImageReference(raw, error=f"repository name longer than {MAX_REPOSITORY} characters")
    if digest is not None:
        wrong = _digest_error(digest)
        if wrong:
            return ImageReference(raw, error=wrong)
    return ImageReference(raw, registry or "", repository, tag, digest)


def _split_registry(raw: str) -> tuple[str, str]:
    """The registry and the rest; a first component is a host if it looks like nothing else."""
    first, slash, rest = raw.partition("/")
    if not slash:
        return DEFAULT_REGISTRY, f"library/{raw}"
    if first == _LEGACY_REGISTRY:
        registry, remainder = DEFAULT_REGISTRY, rest
    elif first == "localhost" or "." in first or ":" in first or first != first.lower():
        registry, remainder = first, rest
    else:
        registry, remainder = DEFAULT_REGISTRY, raw
    if registry == DEFAULT_REGISTRY and "/" not in remainder:
        remainder = f"library/{remainder}"
    return registry, remainder


def _digest_error(digest: str) -> str | None:
    algorithm, _, encoded = digest.partition(":")
    length = _DIGEST_LENGTH.get(algorithm)
    if length is None:
        return f"unsupported digest algorithm {algorithm!r}"
    if len(encoded) != length:
        return f"a {algorithm} digest has {length} characters, this one {len(encoded)}"
    if not _HEX.fullmatch(encoded):
        return f"a {algorithm} digest is lowercase hexadecimal"
    return None
