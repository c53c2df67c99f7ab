"""``InvariantRollout`` objects: which stage they give an invariant in a namespace, and since when.

People write ``spec``; a controller owns ``status``. Without ``spec.gates`` the stages of ``spec``
count at once. With ``spec.gates`` they are where a namespace shall get to, and what counts is the
stage in ``status.namespaces``: ``audit`` where there is none yet, and never more than ``spec``
says, so that lowering a stage acts at once.

Of two objects about one invariant the older one counts, as with most resources of the Kubernetes
project that can contradict each other: nobody changes a stage by adding an object. The names are
those of ``charts/karb-guard/files/crds``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from karb_guard.model.stage import Stage
from karb_guard.network.selectors import (
    InvalidPolicyError,
    Labels,
    Selector,
    compile_selector,
)

GROUP = "karb.dev"
VERSION = "v1alpha1"
KIND = "InvariantRollout"
PLURAL = "invariantrollouts"
PATH = f"/apis/{GROUP}/{VERSION}/{PLURAL}"
MAX_ENTRIES = 200
MAX_STATUS = 5_000
MAX_ROLLOUTS = 1_000
CAUSES = ("invariant", "duplicate", "spec", "bounds")

Json = dict[str, Any]


class RolloutStage(NamedTuple):
    """What a rollout says about one namespace."""

    stage: Stage
    by: str
    """Which object and which part of it, in words."""
    since: str | None = None
    """Since when ``enforce`` counts there, RFC 3339, where the controller wrote it down."""


@dataclass(frozen=True, slots=True)
class RolloutProblem:
    """An object that is not heeded, or not as a whole."""

    name: str
    cause: str
    """One of ``CAUSES``."""
    message: str

    def __str__(self) -> str:
        return f"{KIND} {self.name}: {self.message}"


class _Entry(NamedTuple):
    """One element of ``spec.namespaces``."""

    place: int
    stage: Stage
    name: str | None
    selector: Selector | None


@dataclass(frozen=True, slots=True)
class Rollout:
    """One object, readable as a whole."""

    name: str
    invariant: str
    """As written: short name or permanent id."""
    default: Stage | None = None
    entries: Sequence[_Entry] = ()
    gated: bool = False
    reached: Mapping[str, tuple[Stage, str | None]] = field(default_factory=dict)
    """Namespace -> (stage, since) of ``status``."""

    @property
    def needs_labels(self) -> bool:
        """Whether a namespace's labels decide."""
        return any(entry.selector is not None for entry in self.entries)

    def for_namespace(
        self, namespace: str, labels: Mapping[str, str] | None
    ) -> RolloutStage | None:
        """What ``spec.namespaces`` gives the namespace; a name beats every selector."""
        first = self._entry_of(namespace, labels)
        if first is None:
            return None
        return self._said(namespace, first.stage, f"namespaces[{first.place}]")

    def target(self, namespace: str, labels: Mapping[str, str] | None) -> Stage | None:
        """The stage that ``spec`` wants there, whatever status says; ``None``: it is silent."""
        first = self._entry_of(namespace, labels)
        return self.default if first is None else first.stage

    def _entry_of(self, namespace: str, labels: Mapping[str, str] | None) -> _Entry | None:
        named = [entry for entry in self.entries if entry.name == namespace]
        chosen = named or [entry for entry in self.entries if _selects(entry, namespace, labels)]
        return chosen[0] if chosen else None

    def in_general(self, namespace: str) -> RolloutStage | None:
        """What ``spec.stage`` gives every other namespace."""
        return None if self.default is None else self._said(namespace, self.default, "stage")

    def _said(self, namespace: str, target: Stage, part: str) -> RolloutStage:
        reached, since = self.reached.get(namespace, (None, None))
        by = f"{KIND} {self.name} spec.{part}"
        if not self.gated:
            return RolloutStage(target, by, since if reached is target else None)
        now = Stage.AUDIT if reached is None else reached
        if now.rank >= target.rank:
            return RolloutStage(target, by, since if reached is target else None)
        where = f"status.namespaces[{namespace}]" if reached else "status (no entry yet)"
        return RolloutStage(now, f"{KIND} {self.name} {where}", since)


class Rollouts:
    """All readable objects, one an invariant."""

    def __init__(
        self, by_invariant: Mapping[str, Rollout], problems: Sequence[RolloutProblem] = ()
    ) -> None:
        self._by_invariant = by_invariant
        self.problems = tuple(problems)
        self.needs_labels = any(rollout.needs_labels for rollout in by_invariant.values())

    def __bool__(self) -> bool:
        return bool(self._by_invariant)

    def of(self, name: str) -> Rollout | None:
        """The rollout of an invariant's short name."""
        return self._by_invariant.get(name)


NONE = Rollouts({})


def project(obj: Mapping[str, Any]) -> Json:
    """What of an object decisions need, as plain JSON data."""
    metadata = _map(obj.get("metadata"))
    status = _map(obj.get("status"))
    return {
        "name": str(metadata.get("name", "")),
        "created": str(metadata.get("creationTimestamp", "")),
        "spec": _map(obj.get("spec")),
        "namespaces": status.get("namespaces") or [],
    }


def compiled(projections: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> Rollouts:
    """Rollouts ready to ask, from what ``project`` gives.

    ``names``: short name or permanent id -> short name, of every invariant there is.
    """
    found: dict[str, Rollout] = {}
    problems: list[RolloutProblem] = []
    ordered = sorted(projections, key=lambda p: (p["created"] or "9", p["name"]))
    for count, projection in enumerate(ordered):
        name = projection["name"]
        if count >= MAX_ROLLOUTS:
            said = f"there are more than {MAX_ROLLOUTS} objects; those made last are not heeded"
            problems.append(RolloutProblem(name, "bounds", said))
            break
        try:
            rollout = read(projection)
        except InvalidPolicyError as error:
            problems.append(RolloutProblem(name, "spec", str(error)))
            continue
        short = names.get(rollout.invariant)
        if short is None:
            said = (
                f"spec.invariant={rollout.invariant[:60]} names no invariant; see karb-guard list"
            )
            problems.append(RolloutProblem(name, "invariant", said))
        elif short in found:
            said = (
                f"{short} has an older one, {found[short].name}, which counts; delete one of them"
            )
            problems.append(RolloutProblem(name, "duplicate", said))
        else:
            found[short] = rollout
    return Rollouts(found, problems)


def read(projection: Mapping[str, Any]) -> Rollout:
    """One object. Raises ``InvalidPolicyError`` for what its CRD refuses; none of it counts."""
    spec = _map(projection["spec"])
    invariant = spec.get("invariant")
    if not isinstance(invariant, str) or not invariant:
        raise InvalidPolicyError("spec.invariant is missing")
    written = spec.get("namespaces") or []
    if not isinstance(written, list) or len(written) > MAX_ENTRIES:
        raise InvalidPolicyError(f"spec.namespaces has to be a list of at most {MAX_ENTRIES}")
    default = spec.get("stage")
    return Rollout(
        name=projection["name"],
        invariant=invariant,
        default=None if default is None else _stage(default, "spec.stage"),
        entries=tuple(_entry(index, _map(entry)) for index, entry in enumerate(written)),
        gated=spec.get("gates") is not None,
        reached=_reached(projection["namespaces"]),
    )


def _entry(index: int, written: Mapping[str, Any]) -> _Entry:
    where = f"spec.namespaces[{index}]"
    name, selector = written.get("name"), written.get("selector")
    if (name is None) == (selector is None):
        raise InvalidPolicyError(f"{where} needs one of name and selector")
    stage = _stage(written.get("stage"), f"{where}.stage")
    if name is not None:
        return _Entry(index, stage, str(name), None)
    try:
        return _Entry(index, stage, None, compile_selector(selector))
    except InvalidPolicyError as error:
        raise InvalidPolicyError(f"{where}.selector: {error}") from error


def _reached(entries: Any) -> dict[str, tuple[Stage, str | None]]:
    """What a controller wrote; what can't be read of it is as if it were not there."""
    found: dict[str, tuple[Stage, str | None]] = {}
    for entry in entries[:MAX_STATUS] if isinstance(entries, list) else ():
        written = _map(entry)
        name, since = written.get("name"), written.get("since")
        try:
            stage = _stage(written.get("stage"), "")
        except InvalidPolicyError:
            continue
        if isinstance(name, str):
            found[name] = (stage, since if isinstance(since, str) else None)
    return found


def _selects(entry: _Entry, namespace: str, labels: Mapping[str, str] | None) -> bool:
    """Labels that could not be read select nothing; neither does what is in no namespace."""
    if entry.selector is None or labels is None or not namespace:
        return False
    return entry.selector.matches(Labels(labels)) is True


def _stage(value: Any, where: str) -> Stage:
    try:
        return Stage(value)
    except ValueError:
        shown = str(value)[:60]
        raise InvalidPolicyError(
            f"{where}={shown!a} is no stage (off, audit, warn, enforce)"
        ) from None


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
