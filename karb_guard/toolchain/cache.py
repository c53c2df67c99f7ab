"""The user's cache: what is expensive to make and safe to throw away."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


def cache_root() -> Path:
    """``$KARB_GUARD_CACHE``, else ``$XDG_CACHE_HOME/karb-guard``, else ``~/.cache/karb-guard``.

    The directory may not exist. The XDG Base Directory Specification asks to ignore a relative
    ``$XDG_CACHE_HOME``; an empty variable counts as unset.
    """
    own = os.environ.get("KARB_GUARD_CACHE", "")
    if own:
        return Path(own).absolute()
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(xdg) if xdg and Path(xdg).is_absolute() else Path.home() / ".cache"
    return base / "karb-guard"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on ``path`` (made if absent), waiting for other processes.

    The kernel drops the lock with the process, so a killed build leaves nothing to clean up.
    The file itself stays: unlinking it would let two processes hold two different locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
