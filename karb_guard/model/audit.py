"""What an audit of a cluster found: a report, and what only a whole cluster can tell.

The scanner fills it, every report format prints it, and evidence is counted from it; each of
them lives in a room of its own.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from karb_guard.model.finding import ObjectRef, Severity
from karb_guard.model.report import Report
from karb_guard.model.stage import Stage


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that could not be read, so that nothing is known about it: said, never skipped."""

    what: str
    """What was asked for: a resource (``deployments.apps``), perhaps with its namespace."""
    reason: str
    """What the API server answered, in words a user can act on."""
    undecided: Sequence[str] = ()
    """Short names of invariants that can't decide without it."""
    kind: tuple[str, str] | None = None
    """(API group, kind) of the objects that are not known; ``None``: of any."""
    namespace: str | None = None
    """Where; ``None``: everywhere."""


@dataclass(frozen=True, slots=True)
class NamespaceSummary:
    """One namespace of the scan; cluster-scoped objects are under the empty name."""

    name: str
    objects: int = 0
    """Objects judged: topmost owners and what nothing owns."""
    workloads: int = 0
    """Of these: what carries pods."""
    gpus: int = 0
    """Whole GPUs that its workloads ask for, all replicas together."""
    stages: Mapping[str, Stage] = field(default_factory=dict)
    """Invariant's short name -> stage in force here, where that is known."""


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """What an earlier scan of the same cluster counted."""

    at: datetime.datetime
    """Aware, in UTC."""
    open_findings: Mapping[Severity, int]
    objects: int


@dataclass(frozen=True, slots=True)
class Audit:
    """One scan of one cluster."""

    report: Report
    """Findings with their places: the region's file names the object, as in
    ``namespace/Kind/name``; problems are objects without a verdict. ``judged`` holds topmost
    owners and what nothing owns: scores are percentages of those."""
    cluster: str
    """The kubeconfig's context, the API server's address, or the dump's folder."""
    started: datetime.datetime
    """Aware, in UTC."""
    seconds: float = 0.0
    namespaces: Mapping[str, NamespaceSummary] = field(default_factory=dict)
    gpus: Mapping[ObjectRef, int] = field(default_factory=dict)
    """Owner -> whole GPUs of all its replicas, for those that ask for any."""
    gpu_kinds: Mapping[ObjectRef, str] = field(default_factory=dict)
    """Owner -> what its GPUs are priced as: the model that its placement names
    (``NVIDIA-H100-80GB-HBM3``), else the resource (``nvidia.com/gpu``)."""
    missing: Sequence[Missing] = ()
    trend: Sequence[TrendPoint] = ()
    """Earlier scans, oldest first, without this one."""

    @property
    def exit_code(self) -> int:
        """The report's; 2 as well where something could not be read."""
        return 2 if self.missing else self.report.exit_code
