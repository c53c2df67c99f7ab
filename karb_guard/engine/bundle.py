"""A compiled bundle on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from karb_guard.engine.catalogue import BundleCatalogue, load_catalogue
from karb_guard.engine.interface import EngineError
from karb_guard.model.errors import KarbGuardError

WASM_BUNDLE_FILE = "bundle.tar.gz"
"""The standard OPA bundle with ``policy.wasm``, for any runtime of OPA's WebAssembly ABI."""
SERVER_BUNDLE_FILE = "server.tar.gz"
"""The same policies as plain Rego: a stock ``opa`` has no WebAssembly runtime and refuses the
other bundle ("engine not found")."""
WASM_FILE = "policy.wasm"


@dataclass(frozen=True, slots=True)
class CompiledBundle:
    """A directory that ``compile_policies`` wrote, with its catalogue."""

    directory: Path
    catalogue: BundleCatalogue
    rebuild: Callable[[], CompiledBundle] | None = field(default=None, repr=False, compare=False)
    """Compiles the same policies anew; ``wasm`` asks for it, once, where the module is damaged."""

    @property
    def wasm_bundle(self) -> Path:
        """The bundle with ``policy.wasm``."""
        return self.directory / WASM_BUNDLE_FILE

    @property
    def server_bundle(self) -> Path:
        """The bundle for an OPA server."""
        return self.directory / SERVER_BUNDLE_FILE

    def wasm(self) -> bytes:
        """The module that the catalogue names, compiled anew where it is missing or damaged.

        Raises ``EngineError`` where there is no way to compile it.
        """
        # Only now, not when the bundle is found: most commands never read the module.
        try:
            return self._read_wasm()
        except EngineError as damage:
            if self.rebuild is None:
                raise
            try:
                return self.rebuild()._read_wasm()
            except KarbGuardError as error:
                raise EngineError(f"{damage}, and compiling it anew failed: {error}") from error

    def whole(self) -> bool:
        """Whether the module on disk is the one that the catalogue names."""
        try:
            self._read_wasm()
        except EngineError:
            return False
        return True

    def _read_wasm(self) -> bytes:
        path = self.directory / WASM_FILE
        try:
            content = path.read_bytes()
        except OSError as error:
            raise EngineError(f"{path}: cannot be read: {error}") from error
        if hashlib.sha256(content).hexdigest() != self.catalogue.wasm_sha256:
            raise EngineError(
                f"{path}: damaged (its sha256 is not the catalogue's); delete {self.directory}"
            )
        return content


def load_bundle(directory: Path) -> CompiledBundle:
    """The bundle in ``directory``. Raises ``EngineError`` where there is none that fits."""
    return CompiledBundle(directory, load_catalogue(directory))
