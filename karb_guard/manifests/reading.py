"""Paths on the command line -> the bytes of each manifest, and what was left out and why."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from karb_guard.manifests.limits import DEFAULT_LIMITS, Limits
from karb_guard.manifests.problem import ParseProblem, too_big

if TYPE_CHECKING:
    from karb_guard.manifests.document import Document

STDIN = "-"
STDIN_NAME = "<stdin>"
EXTENSIONS = (".yaml", ".yml", ".json")
"""kubectl's own (``cli-runtime/pkg/resource``)."""
EXCLUDED = "excluded by "
"""How the reason begins when an ``exclude`` pattern left a file out: the wish of the user."""
TEMPLATE = (
    "a template of a Helm chart: it is judged as `helm template` renders it, "
    "with the chart as PATH or with --render"
)
"""Why a file below ``templates/`` is left out."""
_SKIPPED_DIRECTORIES = frozenset({"node_modules", "venv", "__pycache__"})


class Source(NamedTuple):
    """One file that was found. Exactly one of its three answers holds."""

    name: str
    """As the user would write it: the argument, or the argument joined with what is below it."""
    data: bytes = b""
    problem: ParseProblem | None = None
    """Why it could not be read."""
    skipped: str | None = None
    """Why it was left out on purpose."""
    notes: tuple[str, ...] = ()
    """What the command that rendered it said beside its answer."""
    amend: Callable[[Document], None] | None = None
    """Called with each document of a source that no file holds as it is (a rendered chart)."""


def read_paths(
    paths: Iterable[str],
    exclude: Sequence[str] = (),
    limits: Limits = DEFAULT_LIMITS,
    covered: Callable[[str, bool], str | None] | None = None,
) -> Iterator[Source]:
    """Yield each manifest under ``paths``, in the order given, directories in sorted order.

    A path is a file (of any name; named pipes too), a directory (searched for ``EXTENSIONS``), or
    ``-`` for standard input. Left out of directories: hidden ones, ``node_modules`` and the like,
    links to directories (so that loops do no harm), and the templates of Helm charts, which are
    no manifests before they are rendered; a file that is named itself is always read.

    ``exclude`` holds shell patterns; one that matches the name, the whole path or the path
    below the argument leaves a file or a directory out. A file that is reached twice is read
    once. A path that can't be read, or a directory without any manifest, yields a problem.

    ``covered`` is asked about what is found below the paths (path, whether it is a directory) and
    answers why it is left out; ``""`` for what is judged in another way, such as the templates of
    a chart that was rendered, and needs no word; ``None`` for what is to be read.
    """
    reader = _Reader(exclude, limits, covered)
    for path in paths:
        yield from reader.read(path)


class _Reader:
    """Holds what was read already, over all the paths of one call."""

    def __init__(
        self,
        exclude: Sequence[str],
        limits: Limits,
        covered: Callable[[str, bool], str | None] | None,
    ) -> None:
        self._exclude = tuple(exclude)
        self._limits = limits
        self._covered = covered
        self._seen: set[str] = set()
        self._found = False

    def read(self, path: str) -> Iterator[Source]:
        if path == STDIN:
            if self._first_time(STDIN):
                yield _read(None, STDIN_NAME, self._limits)
        elif (pattern := self._excluded(path, path)) is not None:
            yield Source(shown(path), skipped=EXCLUDED + pattern)
        elif not path or not Path(path).is_dir():
            if self._first_time(path):
                yield _read(path, shown(path), self._limits)
        else:
            yield from self._directory(path)

    def _directory(self, top: str) -> Iterator[Source]:
        self._found = False
        for source in self._walk(top):
            self._found = True
            yield source
        if not self._found:
            message = "no manifests (*.yaml, *.yml, *.json) in this directory"
            yield _failed(shown(top), message, "name a directory or file that has some")

    def _walk(self, top: str) -> Iterator[Source]:
        """Depth first with a stack of our own: a tree may be deeper than Python's stack."""
        pending = [_Entry(top, is_directory=True, in_templates=_is_below_templates(top))]
        while pending:
            entry = pending.pop()
            pattern = self._excluded(entry.path, os.path.relpath(entry.path, top))
            if pattern is not None and entry.path != top:
                yield Source(shown(entry.path), skipped=EXCLUDED + pattern)
            elif entry.path != top and (why := self._why_covered(entry)) is not None:
                self._found = True
                if why:
                    yield Source(shown(entry.path), skipped=why)
            elif not entry.is_directory:
                yield from self._file(entry)
            else:
                try:
                    pending.extend(reversed(_entries(entry)))
                except OSError as error:
                    yield _unreadable(shown(entry.path), error)

    def _why_covered(self, entry: _Entry) -> str | None:
        return self._covered(entry.path, entry.is_directory) if self._covered else None

    def _file(self, entry: _Entry) -> Iterator[Source]:
        name = shown(entry.path)
        if entry.skip is not None:
            yield Source(name, skipped=entry.skip)
        elif entry.in_templates:
            yield Source(name, skipped=TEMPLATE)
        elif self._first_time(entry.path):
            yield _read(entry.path, name, self._limits)
        else:
            self._found = True  # under another argument: the directory is not empty

    def _first_time(self, path: str) -> bool:
        """Whether the file was not read before, under this or another name."""
        identity = path if path == STDIN or "\0" in path else os.path.realpath(path)
        known = identity in self._seen
        self._seen.add(identity)
        return not known

    def _excluded(self, path: str, below: str) -> str | None:
        return excluding(self._exclude, path, below)


def excluding(patterns: Sequence[str], path: str, below: str) -> str | None:
    """The pattern that leaves ``path`` out, if one does; ``below`` is its name in the argument."""
    names = (Path(path).name, below, path)
    for pattern in patterns:
        if any(fnmatchcase(name, pattern.rstrip("/")) for name in names):
            return pattern
    return None


def is_searched(name: str) -> bool:
    """Whether a directory of this name is looked into when it stands below an argument."""
    return not name.startswith(".") and name not in _SKIPPED_DIRECTORIES


class _Entry(NamedTuple):
    """Something in a directory that is to be read, walked, or told as left out (``skip``)."""

    path: str
    is_directory: bool = False
    in_templates: bool = False
    skip: str | None = None


def _entries(directory: _Entry) -> list[_Entry]:
    """The sorted contents of a directory, without what nobody wants to hear about."""
    with os.scandir(directory.path) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    is_chart = any(entry.name == "Chart.yaml" for entry in entries)
    result = []
    for entry in entries:
        below = directory.in_templates or (is_chart and entry.name == "templates")
        if entry.is_dir(follow_symlinks=False):
            if is_searched(entry.name):
                result.append(_Entry(entry.path, is_directory=True, in_templates=below))
        elif _links_to_directory(entry):
            if not entry.name.startswith("."):
                result.append(_Entry(entry.path, skip="a link to a directory: not followed"))
        elif entry.name.endswith(EXTENSIONS):
            special = "not a regular file" if _is_special(entry) else None
            result.append(_Entry(entry.path, in_templates=below, skip=special))
    return result


def _links_to_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_special(entry: os.DirEntry[str]) -> bool:
    """A pipe, socket or device: opening one may block. A broken link is not: reading it fails."""
    try:
        return not stat.S_ISREG(entry.stat().st_mode)
    except OSError:
        return False


def _is_below_templates(directory: str) -> bool:
    """Whether the directory is, or is in, the templates of a Helm chart."""
    parts = Path(directory).absolute()
    return any(
        place.name == "templates" and (place.parent / "Chart.yaml").is_file()
        for place in (parts, *parts.parents)
    )


def _read(path: str | None, name: str, limits: Limits) -> Source:
    """The bytes of a file, or of standard input for ``None``, up to the limit."""
    try:
        if path is None:
            data = sys.stdin.buffer.read(limits.file_bytes + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(limits.file_bytes + 1)
    except (OSError, ValueError, AttributeError) as error:
        return _unreadable(name, error)
    if len(data) > limits.file_bytes:
        return Source(name, problem=too_big(name, limits.file_bytes))
    return Source(name, data)


def _unreadable(name: str, error: Exception) -> Source:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return _failed(name, f"can't be read: {reason}", "check the path and its permissions")


def _failed(name: str, message: str, remedy: str) -> Source:
    return Source(name, problem=ParseProblem(name, None, None, message, remedy))


def shown(path: str) -> str:
    """A path for people and reports: valid Unicode, and without a leading ``./``."""
    text = os.fsencode(path).decode("utf-8", "replace")
    return text.removeprefix("./") or text
