"""The user's cache: what is expensive to make and safe to throw away."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path


def cache_dir() -> Path:
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


def private_dir(path: Path) -> Path | None:
    """``path``, made if absent with mode 0700, or ``None`` where it can't be trusted.

    Trusted is a directory (no link) that this user or root owns and that nobody else may write:
    what is loaded from it (machine code, policies) runs with this user's rights. A directory
    that can't be made (a read-only file system) is ``None``, too: a cache is never needed.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return path if is_private(path, stat.S_ISDIR) else None


def is_private(path: Path, of_kind: Callable[[int], bool]) -> bool:
    """Whether ``path`` is of the kind, owned by this user or root, and written by no one else."""
    try:
        found = path.lstat()
    except OSError:
        return False
    shared = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return of_kind(found.st_mode) and found.st_uid in {0, os.getuid()} and not shared
