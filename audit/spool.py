"""Objects on disk, by namespace: what a scan has listed and not judged yet.

An object in memory is ten times its JSON. Here each costs a place in a list, so that a scan takes
the memory of one namespace at a time, whatever the size of the cluster.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Any, NamedTuple

import orjson

from karb_guard.model.errors import KarbGuardError

IN_MEMORY_BYTES = 16 * 2**20
"""A small cluster's objects never touch the disk."""

Json = dict[str, Any]


class SpoolError(KarbGuardError):
    """The temporary file can't be written or read; the message says so and what helps."""


class Entry(NamedTuple):
    """Where an object lies, and how often it was seen."""

    offset: int
    size: int
    times: int
    """Objects of this very content, of one controller."""


class Stored(NamedTuple):
    """An object as it comes back."""

    object: Json
    size: int
    """Bytes of its JSON."""
    times: int


class Spool:
    """A temporary file without a name: nobody else reads it, and it is gone with the process."""

    def __init__(self, in_memory: int = IN_MEMORY_BYTES) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=in_memory)  # noqa: SIM115
        self._in_memory = in_memory
        self._end = 0
        self._places: dict[str, list[Entry]] = {}
        self._shared: int | None = None

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, text: bytes) -> tuple[int, int]:
        """Keep one object's JSON; (offset, size). It is found once it is in a namespace."""
        try:
            self._file.seek(self._end)
            self._file.write(text)
        except OSError as error:
            raise unusable(error.strerror) from error
        place = (self._end, len(text))
        self._end += len(text)
        return place

    def place(self, namespace: str, entries: list[Entry]) -> None:
        """Let what was written be found in a namespace."""
        self._places.setdefault(namespace, []).extend(entries)

    @property
    def namespaces(self) -> list[str]:
        """Where there is something, sorted."""
        return sorted(self._places)

    def size_of(self, namespace: str) -> int:
        """Bytes that a namespace's objects take as JSON."""
        return sum(entry.size for entry in self._places.get(namespace, ()))

    def share(self) -> None:
        """Let forks of this process read on their own. Nothing more is written then."""
        if self._end <= self._in_memory:
            return  # each has it in its own memory: the file rolls over beyond that
        try:
            self._file.flush()
            self._shared = self._file.fileno()
        except OSError as error:
            raise unusable(error.strerror) from error

    def take(self, namespace: str) -> Iterator[Stored]:
        """The objects of a namespace, once: afterwards they are forgotten."""
        for entry in self._places.pop(namespace, ()):
            try:
                text = self._read(entry)
            except OSError as error:
                raise unusable(error.strerror) from error
            yield Stored(orjson.loads(text), entry.size, entry.times)

    def _read(self, entry: Entry) -> bytes:
        if self._shared is not None:  # forks have one position in common: it is not used
            return os.pread(self._shared, entry.size, entry.offset)
        self._file.seek(entry.offset)
        return self._file.read(entry.size)


def unusable(reason: str | None) -> SpoolError:
    """The error for a temporary file that can't be written or read."""
    return SpoolError(
        f"the temporary file in {tempfile.gettempdir()} can't be used ({reason}); set "
        "TMPDIR to a folder with room for the cluster's objects (some 10 KB a workload)"
    )
