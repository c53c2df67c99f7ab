"""From a Pod to its patch: facts, mutations, operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, NamedTuple

from karb_guard import facts, workloads
from karb_guard.facts import limits
from karb_guard.facts.memory import TemplateMemory
from karb_guard.facts.settings import FactSettings
from karb_guard.model.path import format_path
from karb_guard.mutation import record
from karb_guard.mutation.changes import Change, Labels, Subject
from karb_guard.mutation.cpu import cpu_request
from karb_guard.mutation.escalation import no_privilege_escalation
from karb_guard.mutation.labels import namespace_labels
from karb_guard.mutation.options import MutationOptions
from karb_guard.mutation.patch import Operation, UnfitError, patch_of, pointer
from karb_guard.mutation.seccomp import seccomp_profile
from karb_guard.mutation.shared_memory import shared_memory
from karb_guard.mutation.tolerations import gpu_tolerations

MUTATIONS: Sequence[Callable[[Subject, MutationOptions], Iterator[Change]]] = (
    gpu_tolerations,
    seccomp_profile,
    no_privilege_escalation,
    shared_memory,
    namespace_labels,
    cpu_request,
)
MIRROR = "kubernetes.io/config.mirror"
"""The annotation of mirror pods, which describe what a kubelet runs already."""


class Mutation(NamedTuple):
    """What happens to one Pod."""

    changes: tuple[Change, ...] = ()
    patch: tuple[Operation, ...] = ()
    skipped: str | None = None
    """Why nothing was looked at, where that is as it should be."""
    refused: str | None = None
    """Why a Pod that should have been looked at could not be."""
    cause: str = ""
    """A closed word for ``refused``: ``bounds`` or ``malformed``."""


class Mutator:
    """The mutations of one configuration. Holds no state but what it remembers."""

    def __init__(
        self,
        options: MutationOptions,
        namespaces: Sequence[tuple[str, Mapping[str, Any]]] = (),
        settings: FactSettings | None = None,
    ) -> None:
        """``namespaces``: (name or shell pattern, options that differ there)."""
        self._settings = settings or FactSettings()
        self._options = options
        self._memory = TemplateMemory()
        self._namespaces = tuple(namespaces)
        self.options_in = lru_cache(maxsize=4096)(self._options_in)

    @property
    def may_change(self) -> bool:
        """Whether it is on in any namespace at all."""
        return self._options.enabled or any(c.get("enabled") for _, c in self._namespaces)

    def _options_in(self, namespace: str) -> MutationOptions:
        """The switches in a namespace; the first entry that says something decides."""
        said: dict[str, Any] = {}
        for pattern, changes in reversed(self._namespaces):
            if fnmatchcase(namespace, pattern):
                said.update(changes)
        return replace(self._options, **said)

    def mutate(
        self,
        obj: Mapping[str, Any],
        namespace: str,
        labels: Labels | None,
        json_bytes: int | None = None,
    ) -> Mutation:
        """The patch of a Pod that is about to be created; never changes ``obj``.

        ``labels`` are the namespace's, ``json_bytes`` is the length of the text that held ``obj``.
        """
        options = self.options_in(namespace)
        skipped = None if options.enabled else "mutation is off here"
        skipped = skipped or reason_to_skip(obj)
        if skipped is not None:
            return Mutation(skipped=skipped)
        obj = _without_bookkeeping(obj)
        refused = limits.check(obj, json_bytes)
        if refused is not None:
            return Mutation(refused=refused, cause="bounds")
        workload = workloads.resolve(obj)
        refused = limits.check_workload(workload)
        if refused is not None:
            return Mutation(refused=refused, cause="bounds")
        memory = None if json_bytes is None else self._memory
        built = facts.build(obj, workload, self._settings, memory=memory)
        if built.malformed:
            where = format_path(built.malformed[0].path) or "the object"
            return Mutation(refused=f"{where} has the wrong type", cause="malformed")
        (pod,) = built.pods
        return mutation_of(Subject(obj, pod, namespace, labels), options)


def reason_to_skip(obj: Mapping[str, Any]) -> str | None:
    """Why ``obj`` is none that is ever changed, or ``None``."""
    if obj.get("apiVersion") != "v1" or obj.get("kind") != "Pod":
        return "only Pods are changed"
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(obj.get("spec"), dict):
        return "it has no metadata or no spec"
    if metadata.get("deletionTimestamp") is not None:
        return "the object is being deleted"
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict) and MIRROR in annotations:
        return "it is the mirror of a static pod"
    return None


def mutation_of(subject: Subject, options: MutationOptions) -> Mutation:
    """Run every mutation that is on, and write down what they did."""
    changes = [change for mutation in MUTATIONS for change in mutation(subject, options)]
    if not changes:
        return Mutation()
    try:
        patch = patch_of(subject.obj, changes)
        if options.annotate:
            path = (*subject.pod["metadataPath"], "annotations", record.ANNOTATION)
            patch += _annotated(subject, changes, path)
    except UnfitError as error:
        return Mutation(refused=f"{error} is neither a map nor a list", cause="malformed")
    return Mutation(tuple(changes), tuple(patch))


def _annotated(
    subject: Subject, changes: Sequence[Change], path: tuple[str | int, ...]
) -> list[Operation]:
    value = record.annotation(subject.pod, changes)
    if (subject.obj["metadata"]).get("annotations") is None:
        return [{"op": "add", "path": pointer(path[:-1]), "value": {path[-1]: value}}]
    return [{"op": "add", "path": pointer(path), "value": value}]


def _without_bookkeeping(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """The Pod without ``metadata.managedFields``, which nobody looks at and which are its bulk."""
    metadata = obj["metadata"]
    if "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {k: v for k, v in metadata.items() if k != "managedFields"}}
