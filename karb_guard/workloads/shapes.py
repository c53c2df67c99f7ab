"""What resolving an object gives: its pod templates, where they stand, and what owns them.

Everything here refers to the object as written and never copies or changes it. A template
whose custom resource does not hold a PodSpec as such (a NIMService, an Argo template) carries a
PodSpec-shaped *view* and the aliases that lead from the view back to the written fields.

The per-object types are named tuples because they are made on the admission path, where a frozen
dataclass costs several times as much to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from karb_guard.model.finding import Coverage, ObjectRef, Path

MISSING_NAME = "(no name)"
"""The name of a container that has none, or one that is not a string."""


class Alias(NamedTuple):
    """Leads from a field of a view to the field as written."""

    view: Path
    """Relative to the container or the PodSpec."""
    written: Path
    """From the object's root."""
    whole: bool = False
    """The value was built from other fields, so nothing below it has a counterpart of its own."""


class Misfit(NamedTuple):
    """A spot on the way to a pod template that has the wrong type, so that nothing was read there.

    The words are JSON's: ``object``, ``array``, ``string``, ``number``, ``boolean``, ``null``.
    """

    path: Path
    expected: str
    got: str


class Container(NamedTuple):
    """One container of a template."""

    name: str
    role: str
    """``main``, ``init``, ``sidecar`` (init with restartPolicy Always) or ``ephemeral``."""
    path: Path
    """Where it stands in the object as written."""
    spec: Mapping[str, Any]
    """As written, or a view. May hold further keys (``modelFormat`` beside a KServe model)."""
    open: bool = False
    """Merged with something that is not visible here: absence of a field proves nothing."""
    aliases: tuple[Alias, ...] = ()

    def written(self, relative: Path) -> Path:
        """The path in the object as written of a field of ``spec``."""
        return follow_aliases(self.path, self.aliases, relative)


class MetadataSource(NamedTuple):
    """A map whose ``labels`` and ``annotations`` end up on the pods."""

    path: Path
    labels: Mapping[str, Any]
    annotations: Mapping[str, Any]


class Template(NamedTuple):
    """One pod template of an object."""

    path: Path
    """Of the PodSpec in the object as written (of the map that a view was made from)."""
    spec: Mapping[str, Any]
    """The PodSpec as written, or a view. Read containers from ``containers``, never from here."""
    containers: tuple[Container, ...]
    metadata: tuple[MetadataSource, ...]
    """Where labels and annotations come from, the one that wins first; never empty."""
    aliases: tuple[Alias, ...] = ()

    @property
    def metadata_path(self) -> Path:
        """Where labels and annotations of the pods are meant to be written."""
        return self.metadata[0].path

    @property
    def labels(self) -> Mapping[str, Any]:
        """What the pods will carry: all sources merged as the kind's operator does."""
        if len(self.metadata) == 1:
            return self.metadata[0].labels
        return {k: v for source in reversed(self.metadata) for k, v in source.labels.items()}

    @property
    def annotations(self) -> Mapping[str, Any]:
        """What the pods will carry: all sources merged as the kind's operator does."""
        if len(self.metadata) == 1:
            return self.metadata[0].annotations
        return {k: v for source in reversed(self.metadata) for k, v in source.annotations.items()}

    def label_path(self, key: str) -> Path:
        """Where label ``key`` is written, or where it should be when no source has it."""
        for source in self.metadata:
            if key in source.labels:
                return (*source.path, "labels", key)
        return (*self.metadata_path, "labels", key)

    def annotation_path(self, key: str) -> Path:
        """Where annotation ``key`` is written, or where it should be when no source has it."""
        for source in self.metadata:
            if key in source.annotations:
                return (*source.path, "annotations", key)
        return (*self.metadata_path, "annotations", key)

    def written(self, relative: Path) -> Path:
        """The path in the object as written of a field of ``spec``."""
        return follow_aliases(self.path, self.aliases, relative)


class Workload(NamedTuple):
    """What is known about one object's kind, and its pod templates.

    Every object has one: a kind without pods has no templates, and ``coverage`` says whether
    that is knowledge or ignorance.
    """

    kind: str
    group: str
    version: str
    coverage: Coverage
    role: str = "serving"
    """``serving``, ``batch``, ``interactive``, ``runtime``, ``system`` or ``pod``; see
    docs/architecture.md."""
    injects: tuple[str, ...] = ()
    """What the kind's operator adds to the pods, so that its absence is no finding."""
    operator: bool = False
    """A custom resource: an operator makes the pods and may change them."""
    templates: tuple[Template, ...] = ()
    owner: ObjectRef | None = None
    """The topmost template owner that the object itself names; ``None``: it is its own."""
    version_known: bool = True
    """False: the kind is in the table, but this version is newer (or older) than the table."""
    misfits: tuple[Misfit, ...] = ()
    truncated: bool = False
    """The object holds more templates than are read; what is here is no full picture of it."""

    def written(self, path: Path) -> Path:
        """A path that leads through a view, as a path in the object as written.

        Paths that lead through no view come back as they are, so every path of a violation may
        be passed.
        """
        best: Container | Template | None = None
        for template in self.templates:
            parts: tuple[Container | Template, ...] = (template, *template.containers)
            for part in parts:
                if part.aliases and _is_below(path, part.path):
                    best = _deeper(best, part, path)
        return best.written(path[len(best.path) :]) if best else path


def _is_below(path: Path, prefix: Path) -> bool:
    return path[: len(prefix)] == prefix


def _deeper(
    best: Container | Template | None, part: Container | Template, path: Path
) -> Container | Template:
    """The deeper of two parts; of two in one map (a NIMService), the one that knows the field."""
    if best is None or len(part.path) > len(best.path):
        return part
    if len(part.path) == len(best.path) and not _knows(best, path) and _knows(part, path):
        return part
    return best


def _knows(part: Container | Template, path: Path) -> bool:
    relative = path[len(part.path) :]
    return any(_is_below(relative, alias.view) for alias in part.aliases)


def follow_aliases(base: Path, aliases: tuple[Alias, ...], relative: Path) -> Path:
    """``base`` plus ``relative``, or where the longest matching alias leads."""
    best: Alias | None = None
    for alias in aliases:
        if _is_below(relative, alias.view) and (best is None or len(alias.view) > len(best.view)):
            best = alias
    if best is None:
        return base + relative
    return best.written if best.whole else best.written + relative[len(best.view) :]
