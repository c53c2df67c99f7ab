"""The Rego files of policy roots, and the hash that tells whether a bundle is older than them."""

from __future__ import annotations

import functools
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from karb_guard.engine.interface import EngineError
from karb_guard.model.invariant import Invariant
from karb_guard.model.patterns import lazy

MAX_SOURCE_BYTES = 1 << 20
"""A policy file above one MiB is refused: a mistake, not a policy."""

_PACKAGE = lazy(r"^package\s+([A-Za-z_][\w.]*)", re.MULTILINE)
_VIOLATIONS = lazy(r"^violations\b", re.MULTILINE)


class Source(NamedTuple):
    """One Rego file: its name in messages and bundles, and its content."""

    name: str
    """The root's name and the path below it: ``policies/gpu/gpu_pin/policy.rego``."""
    path: Path
    text: str

    @property
    def package(self) -> str:
        """The dotted package, ``""`` where the file has no package line."""
        match = _PACKAGE.search(self.text)
        return match[1] if match else ""

    @property
    def sha256(self) -> str:
        """The content's hash, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def defines_violations(self) -> bool:
        """Whether a rule named ``violations`` starts a line."""
        return _VIOLATIONS.search(self.text) is not None


def read_sources(roots: Sequence[Path]) -> list[Source]:
    """The policies (``<category>/<name>/policy.rego``) and libraries (``lib/**/*.rego``).

    Of every root, without tests (``*_test.rego``) and fixtures, sorted by name. Raises
    ``EngineError`` for a root that is no directory and for a file that can't be read as UTF-8 or
    is too large.
    """
    sources: list[Source] = []
    for alias, root in _aliases(roots):
        if not root.is_dir():
            raise EngineError(f"policy root {root} is not a directory")
        for path in _rego_files(root):
            name = f"{alias}/{path.relative_to(root).as_posix()}"
            sources.append(Source(name, path, _read(path)))
    return sorted(sources, key=lambda source: source.name)


def source_hash(sources: Sequence[Source]) -> str:
    """One hash over names and contents: equal exactly when every file is the same."""
    return _source_hash(tuple(sources))


@functools.lru_cache(maxsize=2)  # a start asks for it twice
def _source_hash(sources: tuple[Source, ...]) -> str:
    digest = hashlib.sha256()
    for source in sources:
        digest.update(f"{source.name}\0{source.sha256}\n".encode())
    return digest.hexdigest()


def policy_of(invariant: Invariant, sources: Sequence[Source]) -> Source:
    """The ``policy.rego`` of ``invariant``, found by its package. Raises ``EngineError``."""
    ending = f"/{invariant.package.removeprefix('karb.').replace('.', '/')}/policy.rego"
    found = [source for source in sources if source.name.endswith(ending)]
    if not found:
        raise EngineError(f"invariant {invariant.name}: no file <policy root>{ending}")
    if len(found) > 1:
        names = " and ".join(sorted(str(source.path) for source in found))
        raise EngineError(f"invariant {invariant.name} is defined twice: {names}")
    return _checked(invariant, found[0])


def _checked(invariant: Invariant, source: Source) -> Source:
    if source.package != invariant.package:
        raise EngineError(
            f"{source.path}: the package is {source.package!r}, but its folder asks for "
            f"{invariant.package!r}; rename one of them"
        )
    if not source.defines_violations:
        raise EngineError(
            f"{source.path}: no rule named `violations`; write `violations contains v if {{...}}`"
        )
    return source


def _aliases(roots: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    # Two roots may have the same last name; messages and bundles must tell them apart.
    seen: dict[str, int] = {}
    for root in {root.resolve(): root for root in roots}.values():
        base = root.resolve().name.lstrip("_") or "policies"
        seen[base] = seen.get(base, 0) + 1
        yield (base if seen[base] == 1 else f"{base}-{seen[base]}"), root


def _rego_files(root: Path) -> list[Path]:
    """``<category>/<name>/*.rego`` (a rule may be split over further files) and all below ``lib``.

    Tests are no part of a bundle. Walked by hand: ``Path.glob`` takes five times as long, at every
    start.
    """
    top = str(root)
    folders = [folder for category in _folders(top) for folder in _folders(category)]
    library = str(root / "lib")
    below = [directory for directory, _, _ in os.walk(library)]
    found = {file for folder in {*folders, *below} for file in _files(folder)}
    return [Path(file) for file in found if not file.endswith("_test.rego")]


def _folders(top: str) -> list[str]:
    with os.scandir(top) as entries:
        return [entry.path for entry in entries if entry.is_dir()]


def _files(folder: str) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.path for entry in entries if entry.name.endswith(".rego")]


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
        if len(content) > MAX_SOURCE_BYTES:
            raise EngineError(f"{path}: {len(content)} bytes, more than {MAX_SOURCE_BYTES}")
        return content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"{path}: cannot be read: {error}") from error
