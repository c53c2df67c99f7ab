"""What an OPA server beside us is started with: the policies, a token, and who may ask what.

OPA knows no users. With ``--authentication=token --authorization=basic`` it asks
``data.system.authz.allow`` about every request
(https://www.openpolicyagent.org/docs/security#authentication-and-authorization).
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from karb_guard.engine.bundle import SERVER_BUNDLE_FILE, CompiledBundle
from karb_guard.model.errors import UsageError

TOKEN_FILE = "token"  # noqa: S105 - a file's name
AUTHZ_FILE = "authz.rego"
_AUTHZ = """# Written by karb-guard policy bundle: the token's bearer may ask, only for verdicts.
package system.authz

default allow := false

allow if {{
	input.method == "POST"
	array.slice(input.path, 0, 4) == ["v1", "data", "karb_guard", "entry"]
	crypto.sha256(input.identity) == "{digest}"
}}

# The kubelet and Prometheus, who have no token.
allow if {{
	input.method == "GET"
	input.path in [["health"], ["metrics"]]
}}
"""


def write_server_files(bundle: CompiledBundle, directory: Path, token: bool) -> list[Path]:
    """Put ``server.tar.gz``, and with ``token`` also ``token`` and ``authz.rego``, there.

    The token is readable for owner and group; the policy holds its SHA-256 only. Each file appears
    by a rename. Raises ``UsageError`` where ``directory`` can't be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        written = [_put(directory / SERVER_BUNDLE_FILE, bundle.server_bundle.read_bytes())]
        if token:
            secret = secrets.token_urlsafe(32)
            authz = _AUTHZ.format(digest=hashlib.sha256(secret.encode()).hexdigest())
            written.append(_put(directory / AUTHZ_FILE, authz.encode()))
            written.append(_put(directory / TOKEN_FILE, secret.encode(), 0o440))
    except OSError as error:
        raise UsageError(f"--output {directory}: can't be written ({error})") from error
    return written


def _put(file: Path, content: bytes, mode: int = 0o444) -> Path:
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    partial.replace(file)
    return file
