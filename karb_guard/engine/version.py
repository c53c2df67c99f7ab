"""The compiler's version: a hash over the code that turns policies into a bundle."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

_CODE = (
    "engine/builtins/names.py",
    "engine/catalogue.py",
    "engine/compiler.py",
    "engine/entrypoints.py",
    "engine/gate.py",
    "engine/reads.py",
    "engine/sources.py",
    "invariants/compiled.py",
    "invariants/header.py",
    "invariants/metadata.py",
    "invariants/source.py",
    "model/invariant.py",
    "workloads/kinds.py",
)


@functools.cache
def compiler_version() -> str:
    """16 hex digits; other code gives another version.

    So a bundle that an older release or checkout compiled is never taken for a current one,
    without a number that someone must remember to raise.
    """
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for name in _CODE:
        file = package / name
        content = file.read_bytes() if file.is_file() else b""
        digest.update(name.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()[:16]
