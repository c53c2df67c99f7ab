"""The SARIF 2.1.0 JSON schema (OASIS, rtm.5), as the npm package @microsoft/jest-sarif carries it.

It is read from the package at test time and cached outside the checkout; it isn't ours to copy.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from karb_guard.toolchain import cache_dir

PACKAGE = "@microsoft/jest-sarif@1.0.0-beta.0"
MEMBER = "package/lib/schemas/sarif-2.1.0-rtm.5.json"


class SchemaUnavailableError(RuntimeError):
    """The package can't be had here; the message says why."""


def sarif_schema() -> dict[str, Any]:
    """The schema as data, fetched once with npm."""
    cached = cache_dir() / "schemas" / "sarif-2.1.0-rtm.5.json"
    if not cached.exists():
        cached.parent.mkdir(parents=True, exist_ok=True)
        cached.write_bytes(_fetch())
    schema: dict[str, Any] = json.loads(cached.read_bytes())
    return schema


def _fetch() -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise SchemaUnavailableError(f"npm isn't installed, and the schema comes from {PACKAGE}")
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([npm, "pack", "--silent", PACKAGE], cwd=directory, check=True, timeout=120)
        (archive,) = Path(directory).glob("*.tgz")
        with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as tar:
            member = tar.extractfile(MEMBER)
            if member is None:
                raise SchemaUnavailableError(f"{PACKAGE} no longer holds {MEMBER}")
            return member.read()
