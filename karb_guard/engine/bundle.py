"""A compiled bundle on disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from karb_guard.engine.catalogue import BundleCatalogue, load_catalogue
from karb_guard.engine.interface import EngineError

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

    @property
    def wasm_bundle(self) -> Path:
        """The bundle with ``policy.wasm``."""
        return self.directory / WASM_BUNDLE_FILE

    @property
    def server_bundle(self) -> Path:
        """The bundle for an OPA server."""
        return self.directory / SERVER_BUNDLE_FILE

    def wasm(self) -> bytes:
        """The module. Raises ``EngineError`` when it isn't the one the catalogue names."""
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
