"""The objects of one namespace, and which of them stand for others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from audit.folding import controller_key, has_ended, is_retired, same_template
from audit.plan import POD
from karb_guard import workloads
from karb_guard.inventory.keys import group_of
from karb_guard.model.finding import ObjectRef

MAX_STEPS = 10
"""Controllers above an object; a chain of more is no chain that a cluster makes."""


@dataclass(eq=False)
class Member:
    """One object, or one of several pods that are alike."""

    object: Mapping[str, Any]
    size: int = 0
    """Bytes of its JSON; 0 where nobody counted."""
    times: int = 1
    """Objects that it stands for, itself included."""
    above: list[Member] = field(default_factory=list)
    """Its controllers, the nearest first, as far as they are here."""

    @property
    def kind(self) -> tuple[str, str]:
        """(API group, kind)."""
        return group_of(self.object), str(self.object.get("kind", ""))

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._metadata.get("name") or "")

    @property
    def uid(self) -> str:
        """What the API server calls it, for ever; empty in manifests."""
        return str(self._metadata.get("uid") or "")

    @property
    def _metadata(self) -> Mapping[str, Any]:
        metadata = self.object.get("metadata")
        return metadata if isinstance(metadata, Mapping) else {}

    @property
    def ref(self) -> ObjectRef:
        """Its name for people."""
        namespace = self._metadata.get("namespace") or None
        version = str(self.object.get("apiVersion", ""))
        return ObjectRef(version, self.kind[1], self.name, namespace)

    @property
    def is_pod(self) -> bool:
        """Whether it is a Pod, not a template of some."""
        return self.kind == POD

    @property
    def is_running(self) -> bool:
        """Whether it is a Pod that has not ended."""
        return self.is_pod and not has_ended(self.object)

    @cached_property
    def carries(self) -> bool:
        """Whether it holds pod templates (a Pod is one)."""
        return bool(workloads.resolve(self.object).templates)

    @property
    def top(self) -> Member:
        """The topmost controller that holds pod templates; itself where there is none."""
        return next((each for each in reversed(self.above) if each.carries), self)

    @property
    def is_spared(self) -> bool:
        """Whether its owner's verdict is its own: it makes exactly the pods asked for there."""
        return bool(self.above) and same_template(self.object, self.above[0].object)


@dataclass(frozen=True)
class Members:
    """All of a namespace."""

    tops: Sequence[Member]
    """What is judged for itself."""
    folded: Mapping[int, Sequence[Member]]
    """``id`` of a top -> what was made of it."""
    retired: int = 0
    """Old revisions, which make no pods."""

    def below(self, top: Member) -> Sequence[Member]:
        """What was made of ``top``."""
        return self.folded.get(id(top), ())

    def all(self) -> Iterator[Member]:
        """Everything but what is retired."""
        for top in self.tops:
            yield top
            yield from self.below(top)

    def visible(self) -> Iterator[Mapping[str, Any]]:
        """What is a neighbour to others: all but the pods that a controller here stands for."""
        for top in self.tops:
            yield top.object
            yield from (each.object for each in self.below(top) if not each.is_pod)


def members_of(found: Iterable[Member]) -> Members:
    """Sort the objects of a namespace under their topmost template owners."""
    everything = list(found)
    kept = [member for member in everything if not is_retired(member.object)]
    by_key = {(*member.kind, member.name): member for member in kept if not member.is_pod}
    tops: list[Member] = []
    folded: dict[int, list[Member]] = {}
    for member in kept:
        member.above = list(_above(member, by_key))
    for member in kept:
        # Owner references that lead in a circle have no top: each is judged for itself.
        top = member.top
        if top is not member and member.carries and top.top is top:
            folded.setdefault(id(member.top), []).append(member)
        else:
            tops.append(member)
    return Members(tops, folded, len(everything) - len(kept))


def _above(member: Member, by_key: Mapping[tuple[str, str, str], Member]) -> Iterator[Member]:
    """Owner references are written by whoever writes the object: uids have to agree."""
    seen = {id(member)}
    for _ in range(MAX_STEPS):
        key = controller_key(member.object)
        owner = by_key.get(key[:3]) if key is not None else None
        if key is None or owner is None or id(owner) in seen:
            return
        if key[3] and owner.uid and key[3] != owner.uid:
            return
        seen.add(id(owner))
        yield owner
        member = owner
