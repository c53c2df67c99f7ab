"""What reviews are judged by: what is loaded, and what is known of the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Protocol

from karb_guard.decisions.admission import AdmissionOptions
from karb_guard.decisions.request import AdmissionRequest, reason_to_pass
from karb_guard.decisions.stages import StagePolicy
from karb_guard.model.finding import Evaluation
from karb_guard.model.invariant import Invariant
from webhook.mutate import PodMutator
from webhook.neighbours import LiveNeighbours, Neighbours
from webhook.objects import ClusterObjects
from webhook.owners import NoOwners, Owners
from webhook.scales import NoParents, Parents

Labels = Mapping[str, str]


class ObjectEvaluator(Protocol):
    """What the webhook needs of an evaluator: a verdict on one object, and no exception."""

    def evaluate(
        self,
        obj: Mapping[str, Any],
        namespace: str,
        labels: Labels | None,
        json_bytes: int | None = None,
        neighbours: Neighbours | None = None,
    ) -> Evaluation:
        """Judge ``obj`` in ``namespace`` with its ``labels`` (``None``: not known).

        ``json_bytes`` is the length of the text that held ``obj``; ``neighbours`` are what is known
        to stand beside it.
        """
        ...


class Namespaces(Protocol):
    """Where namespace labels come from."""

    def labels(self, name: str) -> Labels | None:
        """The labels at hand, without waiting; ``None`` where the namespace is not known."""
        ...

    async def fetch(self, name: str) -> Labels | None:
        """Ask the API server, within a second; ``None`` where it has no answer."""
        ...


@dataclass(frozen=True, slots=True)
class Loaded:
    """Everything a review is judged by. Replaced as a whole, never changed."""

    evaluator: ObjectEvaluator
    stages: StagePolicy
    catalogue: Mapping[str, Invariant]
    """Short name -> every invariant there is."""
    enabled: frozenset[str]
    """Short names of the invariants that are evaluated."""
    options: AdmissionOptions = field(default_factory=AdmissionOptions)
    exempt_namespaces: tuple[str, ...] = ()
    """Names or shell patterns of namespaces whose objects pass without being judged."""
    digest: str = ""
    """Names configuration and policies; ``/readyz`` repeats it."""
    mutator: PodMutator | None = None
    """What ``/mutate`` gives to Pods; ``None``: nothing."""

    @property
    def names(self) -> Mapping[str, str]:
        """Short name or permanent id -> short name."""
        return self.stages.names

    @property
    def judged_kinds(self) -> frozenset[str]:
        """What enabled invariants match, as ``group/Kind`` or ``pods``."""
        return frozenset(
            kind
            for name in self.enabled
            if name in self.catalogue
            for kind in self.catalogue[name].match
        )

    def reason_to_pass(self, request: AdmissionRequest) -> str | None:
        """Why the request passes without being judged, or ``None``."""
        for pattern in self.exempt_namespaces:
            if request.namespace and fnmatchcase(request.namespace, pattern):
                return f"namespace {request.namespace} is exempt by configuration ({pattern})"
        return reason_to_pass(request)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What of the cluster decisions read, besides namespaces."""

    objects: ClusterObjects = field(default_factory=ClusterObjects)
    owners: Owners = field(default_factory=NoOwners)
    parents: Parents = field(default_factory=NoParents)
    neighbours: LiveNeighbours | None = None
    """What autoscalers are judged beside; ``None``: nothing of it is known."""
