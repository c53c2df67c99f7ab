"""What of the command line's paths is rendered, and which files that stands for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from karb_guard.manifests.reading import STDIN, Source, excluding, is_searched, shown
from karb_guard.rendering import descriptions

BESIDE = "in the directory of a chart that is rendered: name the file to have it read as it is"
"""Why other files in a chart's directory are left out: files for templates, values, tests."""


class Form(str, Enum):
    """What renders a unit."""

    HELM = "helm"
    KUSTOMIZE = "kustomize"


class Unit(NamedTuple):
    """One chart, packed or not, or one kustomization."""

    form: Form
    path: str
    """As the user would write it: a directory, or an archive."""


@dataclass(slots=True)
class Plan:
    """What `read_inputs` does."""

    units: list[Unit] = field(default_factory=list)
    """To be rendered, in the order of the paths."""
    covered: set[str] = field(default_factory=set)
    """Real paths of files and directories that the units stand for."""
    charts: set[str] = field(default_factory=set)
    """Real paths of the directories of charts that are rendered."""
    named: set[str] = field(default_factory=set)
    """Real paths of the directories on the command line."""
    left_out: list[Source] = field(default_factory=list)
    """What renders nothing by itself, and why."""
    archives: set[str] = field(default_factory=set)
    """Paths of the command line that are packed charts."""

    def covers(self, path: str, is_directory: bool) -> str | None:
        """What `read_paths` asks: why the path is not read as it is; ``None`` if it is read."""
        real = os.path.realpath(path)
        if real in self.covered:
            return ""
        if is_directory or not self.charts:
            return None
        for parent in map(str, Path(real).parents):
            if parent in self.charts:
                return BESIDE
            if parent in self.named:
                break
        return None


def plan(paths: Iterable[str], exclude: Sequence[str] = (), *, below: bool = False) -> Plan:
    """What there is to render: what ``paths`` name and, with ``below``, what is found in them.

    A kustomization that is found is rendered unless another one uses it: the base of three
    overlays is judged three times, as part of each. What is named is always rendered.
    """
    return _Planner(exclude).plan(paths, below=below)


class _Planner:
    def __init__(self, exclude: Sequence[str]) -> None:
        self._exclude = exclude
        self._plan = Plan()
        self._charts: set[str] = set()
        self._kustomizations: dict[str, tuple[str, bool]] = {}
        """Real path -> (path as the user would write it, whether it was named)."""
        self._tree = _Tree()

    def plan(self, paths: Iterable[str], *, below: bool) -> Plan:
        for path in paths:
            if path in {STDIN, ""} or "\0" in path or excluding(self._exclude, path, path):
                continue
            if descriptions.is_archive(path):
                self._plan.archives.add(path)
                self._add_chart(path)
            elif Path(path).is_dir():
                self._plan.named.add(os.path.realpath(path))
                self._add(path, named=True)
                if below:
                    self._search(path)
        self._add_kustomizations()
        return self._plan

    def _search(self, top: str) -> None:
        """Like `read_paths`, depth first and without links, but for charts and kustomizations."""
        pending = [top]
        while pending:
            path = pending.pop()
            if path != top and not Path(path).is_dir():
                self._add_chart(path)
                continue
            if path != top:
                self._add(path, named=False)
            pending.extend(reversed(list(self._entries(path, top))))

    def _entries(self, directory: str, top: str) -> Iterator[str]:
        """Directories to look into and packed charts."""
        try:
            with os.scandir(directory) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            return  # reading it says so
        for entry in entries:
            below = os.path.relpath(entry.path, top)
            if self._plan.covers(entry.path, True) == "" or excluding(
                self._exclude, entry.path, below
            ):
                continue
            if entry.is_dir(follow_symlinks=False):
                if is_searched(entry.name):
                    yield entry.path
            elif descriptions.is_archive(entry.path) and descriptions.holds_chart(entry.path):
                yield entry.path

    def _add(self, directory: str, *, named: bool) -> None:
        if descriptions.is_chart(directory):
            if not named and descriptions.is_library(directory):
                reason = "a library chart: it renders nothing by itself"
                self._plan.left_out.append(Source(shown(directory), skipped=reason))
                self._plan.covered.update(descriptions.chart_parts(directory))
            else:
                self._add_chart(directory)
        if descriptions.kustomization_in(directory) is not None:
            real = os.path.realpath(directory)
            known, before = self._kustomizations.get(real, (directory, False))
            self._kustomizations[real] = (known, before or named)

    def _add_chart(self, path: str) -> None:
        real = os.path.realpath(path)
        if real in self._charts:
            return
        self._charts.add(real)
        self._plan.units.append(Unit(Form.HELM, path))
        if Path(path).is_dir():
            self._plan.charts.add(real)
            self._plan.covered.update(descriptions.chart_parts(path))

    def _add_kustomizations(self) -> None:
        """Those that are named, then those that no other one uses, then what is left: cycles."""
        used = {base for real in self._kustomizations for base in self._tree.bases(real)}
        named = [real for real, (_, named) in self._kustomizations.items() if named]
        roots = [real for real in self._kustomizations if real not in used]
        done: set[str] = set()
        for real in (*named, *roots, *self._kustomizations):
            if real not in done:
                files, bases = self._tree.closure(real)
                self._plan.covered.update(files)
                done.update({real, *bases.difference(named)})
                self._add_kustomization(real)

    def _add_kustomization(self, real: str) -> None:
        path, named = self._kustomizations[real]
        file = descriptions.kustomization_in(real)
        if not named and file is not None and descriptions.is_component(file):
            reason = "a Kustomize component: it builds nothing by itself"
            self._plan.left_out.append(Source(shown(path), skipped=reason))
        else:
            self._plan.units.append(Unit(Form.KUSTOMIZE, path))


class _Tree:
    """Which kustomization uses which files and bases. Each file is read once."""

    def __init__(self) -> None:
        self._files: dict[str, set[str]] = {}
        self._bases: dict[str, set[str]] = {}

    def bases(self, directory: str) -> set[str]:
        """Real paths of the directories that the kustomization in ``directory`` names."""
        self._read(directory)
        return self._bases[directory]

    def closure(self, directory: str) -> tuple[set[str], set[str]]:
        """The files that building ``directory`` reads, and the bases, of bases too."""
        files: set[str] = set()
        bases: set[str] = set()
        pending = [directory]
        while pending:
            each = pending.pop()
            more = self.bases(each) - bases - {directory}
            files |= self._files[each]
            bases |= more
            pending.extend(more)
        return files, bases

    def _read(self, directory: str) -> None:
        if directory in self._bases:
            return
        file = descriptions.kustomization_in(directory)
        named = descriptions.references(file) if file is not None else []
        self._bases[directory] = {path for path in named if Path(path).is_dir()}
        own = {os.path.realpath(file)} if file is not None else set()
        self._files[directory] = own | (set(named) - self._bases[directory])
