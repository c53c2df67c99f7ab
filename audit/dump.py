"""Reads an export of a cluster: ``kubectl get -o json``, or folders as must-gather makes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from audit.collecting import Collector
from audit.folding import Json
from audit.plan import POD, Plan
from audit.progress import Progress
from audit.unpacking import Unpacking
from karb_guard.evaluation.slices.reads import GroupKind
from karb_guard.inventory.keys import Key, key_of
from karb_guard.manifests import ParseProblem
from karb_guard.manifests.decoding import decode
from karb_guard.manifests.limits import Limits
from karb_guard.manifests.streams import documents_of
from karb_guard.model.errors import UsageError
from karb_guard.model.report import Problem
from karb_guard.workloads import ROWS

MAX_FILE_BYTES = 2 * 2**30
"""Of one file; parsed, JSON takes some ten times its size in memory."""
_LIMITS = Limits(file_bytes=256 * 2**20)
"""Of YAML, which a must-gather writes a kind a file."""
_SUFFIXES = frozenset({".json", ".yaml", ".yml"})
_CRD: GroupKind = ("apiextensions.k8s.io", "CustomResourceDefinition")
_BUILT_IN = (".k8s.io",)
"""How the groups of Kubernetes itself end that have a dot at all."""
_UNSAID = (
    "the dump holds none, and does not say that there are none; export it too, or say --complete"
)


class Dump:
    """Files and folders, read once.

    A kind counts as complete where at least one of its objects is there, where a list of that
    kind is (a ``PodList``, even an empty one), where the dump's CustomResourceDefinitions show
    that the cluster has no such kind, or everywhere with ``complete``.
    """

    def __init__(
        self,
        paths: Sequence[str],
        plan: Plan,
        complete: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self._paths = paths
        self._plan = plan
        self._complete = complete
        self._progress = progress or Progress()
        self._listed: set[GroupKind] = set()
        self._seen: set[Key] = set()
        self._custom: set[GroupKind] = set()
        """Kinds that CustomResourceDefinitions of the dump define."""
        self._pods = 0

    def fill(self, collector: Collector) -> None:
        """Read everything. Raises ``UsageError`` for a path that is not there."""
        files = [file for path in self._paths for file in _files(Path(path))]
        if not files:
            raise UsageError(f"--from-dump {self._paths[0]}: holds no .json or .yaml file")
        # Pods last: what their nodes are decides which of them are alike.
        holding_pods = self._read_all(files, collector, pods=False)
        self._read_all(holding_pods, collector, pods=True)
        collected = collector.collected
        collected.listed |= self._listed
        collected.absent = self._is_absent
        for kind in sorted(self._needed() - self._listed):
            if not self._is_absent(*kind):
                what = f"{kind[1]}.{kind[0]}" if kind[0] else kind[1]
                collector.miss(what, kind, _UNSAID)

    def _needed(self) -> set[GroupKind]:
        """Kinds of Kubernetes itself, and custom ones that the dump shows to exist."""
        plan = self._plan
        needed = {*plan.matched, *plan.context, *(ROWS if plan.needs_workloads else ())}
        return {kind for kind in needed if _is_built_in(kind[0]) or kind in self._custom}

    def _is_absent(self, group: str, kind: str) -> bool:
        if self._complete:
            return True
        known = _CRD in self._listed and not _is_built_in(group)
        return known and (group, kind) not in self._custom

    def _read_all(self, files: Sequence[Path], collector: Collector, *, pods: bool) -> list[Path]:
        """Take the Pods of these files, or all else; the files that hold any Pod."""
        batch, holding = collector.batch(), []
        unpacking = Unpacking(self._listed)
        for done, file in enumerate(files):
            self._progress.part(done, len(files), "reading the dump")
            before = self._pods
            batch.take(self._new(_objects(file, unpacking), pods=pods))
            if self._pods != before:
                holding.append(file)
        batch.commit()
        if not pods:  # the other reading sees the same again
            collector.collected.problems += unpacking.problems
            collector.collected.not_objects += unpacking.not_objects
        return holding

    def _new(self, objects: Iterator[Json], *, pods: bool) -> Iterator[Json]:
        """The objects, each once: a must-gather holds pods twice."""
        for obj in objects:
            key = key_of(obj)
            if key is None:
                continue
            group, kind, _, name = key
            self._listed.add((group, kind))
            self._pods += (group, kind) == POD
            if (group, kind) == _CRD:
                self._custom.add(_defined(obj))
            if ((group, kind) == POD) != pods or not self._wants(group, kind):
                continue
            if key in self._seen:
                continue
            if name:
                self._seen.add(key)
            yield obj

    def _wants(self, group: str, kind: str) -> bool:
        return self._plan.names(group, kind) or self._plan.may_carry(group, kind)


def _files(path: Path) -> Iterator[Path]:
    """A file, or those of a folder that may hold objects, sorted."""
    if not path.exists():
        raise UsageError(f"--from-dump {path}: there is no such file or folder")
    if not path.is_dir():
        yield path
        return
    for file in sorted(path.rglob("*")):
        if file.suffix in _SUFFIXES and file.is_file() and not file.is_symlink():
            yield file


def _objects(file: Path, unpacking: Unpacking) -> Iterator[Json]:
    for document in _documents(file, unpacking.problems):
        yield from unpacking.objects(document, str(file))


def _documents(file: Path, problems: list[Problem]) -> Iterator[Any]:
    """JSON quickly; anything else with the reader of manifests, which says what is wrong where."""
    try:
        data = file.read_bytes() if file.stat().st_size <= MAX_FILE_BYTES else None
    except OSError as error:
        problems.append(Problem(str(file), None, None, f"can't be read: {error.strerror}"))
        return
    if data is None:
        remedy = "export each kind, or each namespace, into a file of its own"
        message = f"is larger than {MAX_FILE_BYTES:,} bytes"
        problems.append(Problem(str(file), None, None, message, remedy=remedy))
        return
    if data[:1] == b"{":
        try:
            yield orjson.loads(data)
        except orjson.JSONDecodeError:
            pass  # several documents, or a mistake: the other reader says which
        else:
            return
    decoded = decode(data, str(file))
    for found in (
        (decoded,) if isinstance(decoded, ParseProblem) else documents_of(decoded, _LIMITS)
    ):
        if isinstance(found, ParseProblem):
            place = (found.file, found.line, found.column)
            problems.append(Problem(*place, found.message, remedy=found.remedy))
        else:
            yield found.value


def _is_built_in(group: str) -> bool:
    return "." not in group or group.endswith(_BUILT_IN)


def _defined(crd: Json) -> GroupKind:
    spec = crd.get("spec")
    fields = spec if isinstance(spec, dict) else {}
    names = fields.get("names")
    kind = names.get("kind") if isinstance(names, dict) else ""
    return str(fields.get("group", "")), str(kind or "")
