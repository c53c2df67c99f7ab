"""What an evaluation says about an object: violations, findings and their identity.

What the webhook makes for each review is a named tuple: a frozen dataclass takes four times as
long to make, and these are made by the dozen.

Everything here is plain data without behaviour that could fail, so that every layer
(engine, decisions, reports, webhook, audit) can share it without importing another layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
"""A field path: map keys as ``str``, list indexes as ``int``, from the object's root."""

_NO_DETAIL: Mapping[str, Any] = MappingProxyType({})


class Severity(str, Enum):
    """How bad a finding is. Order: ``INFO`` < ``WARNING`` < ``ERROR`` (see ``rank``)."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0, 1 or 2, so that severities can be compared with a threshold."""
        return _SEVERITY_RANK[self.value]


_SEVERITY_RANK = {"info": 0, "warning": 1, "error": 2}


class ObjectRef(NamedTuple):
    """Names one Kubernetes object. ``namespace`` is ``None`` when the manifest gives none."""

    api_version: str
    kind: str
    name: str
    namespace: str | None = None

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {where}{self.name}"


class Violation(NamedTuple):
    """One answer of an invariant, as the engine gives it.

    ``path`` points at the offending field, or at the nearest existing parent plus the missing
    keys. ``detail`` holds the values that the invariant's message template names. A violation
    with ``unknown`` set is no accusation: the invariant could not decide, and says why.
    """

    invariant: str
    check: str
    path: Path
    detail: Mapping[str, Any] = _NO_DETAIL
    unknown: str | None = None


class Identity(NamedTuple):
    """What makes two findings "the same" over time, order of lists and doors.

    ``anchor`` uses list-map keys (a container's name, a toleration's content), never indexes.
    The ratchet, baselines, SARIF fingerprints, evidence and deduplication all use this value.
    """

    invariant_id: str
    check: str
    owner: ObjectRef
    anchor: str


class Finding(NamedTuple):
    """A violation with its words and its identity, still without a door's decision."""

    invariant_id: str
    """The permanent id, ``KARB-GPU-001``."""
    name: str
    """The short name, ``gpu-tol-leak``."""
    check: str
    severity: Severity
    message: str
    remediation: str
    object: ObjectRef
    owner: ObjectRef
    """The topmost template owner; the object itself where nothing owns it."""
    path: Path
    anchor: str
    container: str | None = None
    """The container the path leads into, if any."""
    detail: Mapping[str, Any] = _NO_DETAIL
    amount: float | None = None
    """How bad it is, where that is a number; no part of the identity."""

    @property
    def identity(self) -> Identity:
        """The value under which ratchet, baseline and deduplication compare findings."""
        return Identity(self.invariant_id, self.check, self.owner, self.anchor)


class Unknown(NamedTuple):
    """An invariant that could not decide about an object, and why: no pass and no finding."""

    name: str
    object: ObjectRef
    reason: str


class Coverage(str, Enum):
    """How the object's kind was understood."""

    KNOWN = "known"
    """A row of the kind table, or a kind some invariant names."""
    DISCOVERED = "discovered"
    """Not in the table; a map with a ``containers`` list was found by walking it."""
    UNKNOWN = "unknown"
    """Nothing here understands the kind: counted in the coverage line, not judged."""


class Evaluation(NamedTuple):
    """Everything known about one object after the engine ran, before any door decides."""

    object: ObjectRef
    coverage: Coverage
    findings: tuple[Finding, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    not_evaluated: str | None = None
    """Why no verdict exists (a limit, a deadline, an engine that is away). Never an allow."""
    not_evaluated_cause: str | None = None
    """A short closed word for metrics: one of ``engine.NotEvaluated.cause``, or ``bounds``."""
    owner: ObjectRef | None = None
    """The topmost template owner; ``None`` where nothing owns the object."""
    templates: tuple[tuple[Path | None, Path], ...] = ()
    """(path of the metadata, path of the PodSpec) of each template, in the object as written."""
    gpus: int | None = 0
    """Whole GPUs that all of its pods ask for; ``None`` where it doesn't say how many that is."""
    gpu_kind: str | None = None
    """The model or resource of all of these; ``None`` where there are several, or nothing says."""
