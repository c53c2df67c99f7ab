"""Follows the files of configuration and policies, and replaces what reviews are judged by.

A new state is put together in a thread of its own and judges a pod there before it takes over, as
a whole, between two reviews. One that can't be put together is refused: the last good one stays,
and the log, a metric and an Event say so. Looking at the files' content every few seconds needs no
support of the file system and sees a ConfigMap's swap of symbolic links like any other change.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import logging
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from karb_guard.assembly import Guard
from karb_guard.model.errors import KarbGuardError
from webhook.events import NORMAL, WARNING, Poster, Reference
from webhook.loaded import Loaded
from webhook.logs import log
from webhook.metrics import Metrics

POLL_SECONDS = 2.0
MAX_FILES = 10_000
MAX_BYTES = 64 << 20
"""Of all watched files together; beyond, the state is refused like one that can't be read."""
RETRY_SECONDS = 60.0
"""After a refusal the same files are tried again: the reason may have been a passing one, such as
an OPA server that was away."""
RETIRE_SECONDS = 30.0
"""How long a replaced engine is kept: a review that waits for its namespace still uses it."""
LOADED, REFUSED = "loaded", "refused"

Assembled = tuple[Guard, Loaded]


@dataclass(frozen=True, slots=True)
class Told:
    """Who hears of a reload."""

    events: Poster
    about: Reference | None
    """What Events are about: this process's Pod, where it runs in one."""


def paths_of(guard: Guard) -> tuple[Path, ...]:
    """The files and folders that a state was made of; empty where all of it is built in."""
    file, engine = guard.loaded.file, guard.config.engine
    secrets = [engine.opa.token_file, engine.opa.ca_file] if engine.type == "opa" else []
    # An OPA server's token or CA that is rotated counts with an engine that reads it anew.
    return (*([file] if file else []), *guard.roots, *(Path(each) for each in secrets if each))


class UnreadableError(KarbGuardError):
    """The watched files can't be read, or are more than can be meant."""


def digest_of(paths: Sequence[Path]) -> str:
    """The content of all files at and below ``paths``, and their names, as one word.

    Raises ``UnreadableError``.
    """
    found = hashlib.sha256()
    count = size = 0
    for path in paths:
        for file in _files(path):
            try:
                content = file.read_bytes()
            except OSError as error:
                raise UnreadableError(f"{file}: can't be read: {error.strerror}") from error
            count, size = count + 1, size + len(content)
            if count > MAX_FILES or size > MAX_BYTES:
                raise UnreadableError(
                    f"{path}: more than {MAX_FILES:,} files or {MAX_BYTES >> 20} MiB to follow; "
                    "name a folder that holds policies only"
                )
            found.update(f"{file}\0{len(content)}\0".encode())
            found.update(content)
    return found.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    # A mounted ConfigMap keeps its files once more in `..data` and `..<time>`.
    inside = (file for file in path.rglob("*") if file.is_file())
    yield from sorted(f for f in inside if not _hidden(f.relative_to(path)))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


class Retired:
    """States that were replaced, until nobody can use their engines any more."""

    def __init__(self) -> None:
        self._guards: list[tuple[float, Guard]] = []

    def add(self, guard: Guard) -> None:
        """Close the engine of ``guard`` in ``RETIRE_SECONDS``."""
        self._guards.append((time.monotonic() + RETIRE_SECONDS, guard))

    def close_due(self) -> None:
        """Close those whose time is over."""
        now = time.monotonic()
        for due, guard in self._guards:
            if due <= now:
                guard.engine.close()
        self._guards = [each for each in self._guards if each[0] > now]

    def close(self) -> None:
        """Close all."""
        for _, guard in self._guards:
            guard.engine.close()


class Reloader:
    """Looks at the files and swaps the state; use ``running`` as a context."""

    def __init__(
        self,
        guard: Guard,
        assemble: Callable[[], Assembled],
        swap: Callable[[Loaded], None],
        metrics: Metrics,
        told: Told,
    ) -> None:
        """Follow the files that ``guard`` was made of, which is somebody else's to close.

        ``assemble`` puts a new state together or raises ``KarbGuardError``; ``swap`` puts it in
        force at once.
        """
        self._paths = paths_of(guard)
        self._assemble = assemble
        self._swap = swap
        self._metrics = metrics
        self._told = told
        self._seen = _quietly(self._paths)
        self._settling: str | None = None
        self._retry_at: float | None = None
        self._stopping = threading.Event()
        self._asked: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._guard: Guard | None = None
        self._retired = Retired()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Follow the files until the context ends."""
        thread = threading.Thread(target=self._run, name="reload", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            self.poke()
            thread.join(POLL_SECONDS)
            self._retired.close()
            if self._guard is not None:
                self._guard.engine.close()

    def poke(self) -> None:
        """Reload soon, whether a file has changed or not. May be called by a signal's handler."""
        self._asked.put(None)

    def now(self) -> str:
        """Reload, without waiting for files to settle: ``loaded`` or ``refused``."""
        self._retired.close_due()
        self._seen, self._settling = _quietly(self._paths), None
        return self._reload()

    def look(self) -> str | None:
        """Look once: ``loaded``, ``refused``, or ``None`` where nothing has changed.

        A change counts once the files have been the same for two looks: somebody may still write.
        """
        self._retired.close_due()
        now = _quietly(self._paths)
        if now == self._seen:
            self._settling = None
            due = self._retry_at is not None and time.monotonic() >= self._retry_at
            return self._reload() if due else None
        if now != self._settling:
            self._settling = now
            return None
        self._seen, self._settling = now, None
        return self._reload()

    def _run(self) -> None:
        while True:
            asked = self._wait()
            if self._stopping.is_set():
                return
            try:
                self.now() if asked else self.look()
            except Exception:
                # Whatever nobody thought of must not end the thread: the next change counts again.
                logging.getLogger(__name__).exception("reload failed")
                self._metrics.reloaded(REFUSED)

    def _wait(self) -> bool:
        """Until the next look; whether somebody asked for a reload, as often as may be."""
        try:
            self._asked.get(timeout=POLL_SECONDS)
        except queue.Empty:
            return False
        with contextlib.suppress(queue.Empty):
            while True:
                self._asked.get_nowait()
        return True

    def _reload(self) -> str:
        started = time.monotonic()
        self._retry_at = None
        try:
            digest_of(self._paths)  # for its message, where they can't be read
            guard, loaded = self._assemble()
        except KarbGuardError as error:
            self._refused(str(error))
            return REFUSED
        if self._stopping.is_set():
            guard.engine.close()
            return LOADED
        self._swap(loaded)
        if self._guard is not None:
            self._retired.add(self._guard)
        self._guard = guard
        self._follow(paths_of(guard))
        gc.freeze()  # what is loaded stays, as at the start
        self._metrics.reloaded(LOADED)
        self._metrics.loaded(loaded.digest, len(loaded.enabled))
        took = round(time.monotonic() - started, 3)
        label = guard.loaded.label
        log(logging.INFO, "reloaded", loaded=loaded.digest, configuration=label, seconds=took)
        self._tell("Reloaded", f"judges by {label} ({loaded.digest}) now", NORMAL)
        return LOADED

    def _follow(self, paths: tuple[Path, ...]) -> None:
        """Look at other files from now on: the configuration names the folders of policies."""
        if paths != self._paths:
            self._paths = paths
            self._seen = _quietly(paths)

    def _refused(self, problem: str) -> None:
        self._metrics.reloaded(REFUSED)
        self._retry_at = time.monotonic() + RETRY_SECONDS
        log(logging.ERROR, "reload refused; the last good state stays", problem=problem)
        self._tell("ReloadRefused", f"the last good state stays: {problem}", WARNING)

    def _tell(self, reason: str, note: str, type_: str) -> None:
        if self._told.about is not None:
            self._told.events.post(self._told.about, reason, note, type_)


@contextlib.contextmanager
def on_hangup(poke: Callable[[], None]) -> Iterator[None]:
    """Call ``poke`` at each SIGHUP, which else ends a process. In the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGHUP, lambda *_: poke())
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _quietly(paths: Sequence[Path]) -> str:
    """The files' digest, or what is wrong with them: that changes like a digest."""
    try:
        return digest_of(paths)
    except UnreadableError as error:
        return str(error)
    except OSError as error:
        return f"can't be listed: {error}"
