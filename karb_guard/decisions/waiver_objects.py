"""``Waiver`` objects: which findings of which workloads they cover, and until when.

One module for every door: the webhook gives it what it watches, lint what is in the input. RBAC
guards who may write them, so that they count for every invariant, unlike annotations. Days are days
in UTC, as those of annotations. Pure: the day is passed in.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from karb_guard.decisions.waiver_syntax import MAX_REASON_CHARACTERS, date_of
from karb_guard.model.finding import Evaluation, Finding, ObjectRef, Path
from karb_guard.model.path import walk
from karb_guard.network.selectors import InvalidPolicyError, Labels, Selector, compile_selector

GROUP = "karb.dev"
VERSION = "v1alpha1"
KIND = "Waiver"
PLURAL = "waivers"
PATH = f"/apis/{GROUP}/{VERSION}/{PLURAL}"
API_VERSION = f"{GROUP}/{VERSION}"
MAX_PER_NAMESPACE = 500
"""More are not read, so that the work of a review stays bounded; those made first count."""
MAX_OWNER_CHARACTERS = 253
DEFAULT_MAX_DAYS = 90

Json = dict[str, Any]


class Lifetimes(NamedTuple):
    """When a waiver counts at all."""

    names: Mapping[str, str]
    """Short name or permanent id -> short name, of every invariant there is."""
    today: datetime.date
    max_days: int = DEFAULT_MAX_DAYS
    """Days from a waiver's beginning to its last one, at most."""
    unwaivable: frozenset[str] = frozenset()
    """Short names that no waiver may name: findings about waivers."""


class WaiverObject(NamedTuple):
    """One waiver that counts today."""

    name: str
    namespace: str
    invariant: str
    """Short name."""
    kind: str | None
    workload: str | None
    selector: Selector | None
    container: str | None
    reason: str
    owner: str
    until: datetime.date
    """The last day (UTC) on which it counts."""

    @property
    def key(self) -> str:
        """How messages call it."""
        return f"{KIND} {self.name}"

    @property
    def justification(self) -> str:
        """The reason with its date and who answers for it, for reports."""
        return f"{self.reason} (until {self.until.isoformat()}, {self.owner}, {self.key})"


class NotCounting(NamedTuple):
    """A waiver that covers nothing today. ``cause``: ``invalid``, ``expired`` or ``pending``."""

    name: str
    namespace: str
    cause: str
    message: str
    detail: Mapping[str, str]
    """``until``, ``reason`` and ``invariant`` where it has expired; ``problem`` where invalid."""
    waiver: WaiverObject | None = None
    """What it says, where it can be read."""

    @property
    def key(self) -> str:
        """How messages call it."""
        return f"{KIND} {self.name}"


class Template(NamedTuple):
    """A pod template of an object: where it is, and the labels of its pods as written."""

    metadata_path: Path | None
    spec_path: Path
    labels: Mapping[str, str]

    def holds(self, path: Path) -> bool:
        """Whether ``path`` leads into it."""
        if path[: len(self.spec_path)] == self.spec_path:
            return True
        return bool(self.metadata_path) and (
            path[: len(self.metadata_path or ())] == self.metadata_path
        )


class Subject(NamedTuple):
    """What a waiver's ``workload`` is held against."""

    refs: tuple[tuple[str, str], ...]
    """(kind, name) of the object and of the controllers above it that it is known to have."""
    labels: Mapping[str, str]
    templates: tuple[Template, ...] = ()


def subject_of(
    obj: Mapping[str, Any], evaluation: Evaluation, owners: Iterable[ObjectRef] = ()
) -> Subject:
    """What ``obj`` is to waivers. ``owners`` are those that made it, as far as that is sure."""
    refs = [(evaluation.object.kind, evaluation.object.name)]
    refs += [(owner.kind, owner.name) for owner in owners]
    templates = tuple(
        Template(metadata, spec, _labels(obj, metadata)) for metadata, spec in evaluation.templates
    )
    return Subject(tuple(dict.fromkeys(refs)), _labels(obj, ("metadata",)), templates)


def reaches(waiver: WaiverObject, subject: Subject) -> bool:
    """Whether it is about this object at all."""
    if not _named(waiver, subject):
        return False
    if waiver.selector is None:
        return True
    if not subject.templates:
        return _selected(waiver.selector, subject.labels)
    return any(_selected(waiver.selector, each.labels) for each in subject.templates)


def is_waiver(obj: Mapping[str, Any]) -> bool:
    """Whether an object is one."""
    return obj.get("kind") == KIND and obj.get("apiVersion") == API_VERSION


def covers(waiver: WaiverObject, finding: Finding, subject: Subject) -> bool:
    """Whether it covers the finding of this object.

    With a selector, what lies in a pod template is covered where the template's labels are
    selected, and what lies outside of all of them where all are.
    """
    if waiver.invariant != finding.name or not _named(waiver, subject):
        return False
    if waiver.container is not None and waiver.container != finding.container:
        return False
    if waiver.selector is None:
        return True
    if not subject.templates:
        return _selected(waiver.selector, subject.labels)
    inside = [each for each in subject.templates if each.holds(finding.path)]
    return all(_selected(waiver.selector, each.labels) for each in inside or subject.templates)


def project(obj: Mapping[str, Any]) -> Json:
    """What of an object decisions need, as plain JSON data."""
    metadata = _map(obj.get("metadata"))
    return {
        "name": str(metadata.get("name", "")),
        "namespace": str(metadata.get("namespace") or ""),
        "created": str(metadata.get("creationTimestamp") or ""),
        "spec": _map(obj.get("spec")),
    }


def read_all(
    projections: Iterable[Mapping[str, Any]], rules: Lifetimes
) -> tuple[Sequence[WaiverObject], Sequence[NotCounting]]:
    """Those of one namespace that count today, and the others."""
    counting: list[WaiverObject] = []
    others: list[NotCounting] = []
    ordered = sorted(projections, key=lambda p: (p["created"] or "9", p["name"]))
    for count, projection in enumerate(ordered):
        if count >= MAX_PER_NAMESPACE:
            problem = (
                f"its namespace has more than {MAX_PER_NAMESPACE}; those made last don't count"
            )
            others.append(_invalid(projection, problem))
            break
        found = read(projection, rules)
        if isinstance(found, WaiverObject):
            counting.append(found)
        else:
            others.append(found)
    return counting, others


def read(projection: Mapping[str, Any], rules: Lifetimes) -> WaiverObject | NotCounting:
    """One waiver, read as strictly as its CRD: lint sees objects that no API server has checked."""
    spec = _map(projection["spec"])
    try:
        name = _invariant(spec, rules)
        until, begin = _date(spec, "until"), _begin(projection, spec, rules)
        waiver = WaiverObject(
            name=projection["name"],
            namespace=projection["namespace"],
            invariant=name,
            **_workload(spec),
            container=_text(spec, "container", 63) if "container" in spec else None,
            reason=_text(spec, "reason", MAX_REASON_CHARACTERS),
            owner=_text(spec, "owner", MAX_OWNER_CHARACTERS),
            until=until,
        )
        _check_lifetime(begin, until, rules)
    except InvalidPolicyError as error:
        return _invalid(projection, str(error))
    if rules.today > until:
        detail = {"until": until.isoformat(), "reason": waiver.reason, "invariant": name}
        message = f"expired on {until.isoformat()}"
        return NotCounting(waiver.name, waiver.namespace, "expired", message, detail, waiver)
    if "notBefore" in spec and begin > rules.today:
        message = f"counts from {begin.isoformat()} on"
        return NotCounting(waiver.name, waiver.namespace, "pending", message, {}, waiver)
    return waiver


def _check_lifetime(begin: datetime.date, until: datetime.date, rules: Lifetimes) -> None:
    days = (until - begin).days
    if days > rules.max_days:
        raise InvalidPolicyError(
            f"spec.until={until.isoformat()} is {days} days after it begins ({begin.isoformat()}); "
            f"the configuration allows {rules.max_days} (waivers.maxDays)"
        )
    if until < begin <= rules.today:
        return  # it has expired; no need to call it wrong as well
    if until < begin:
        raise InvalidPolicyError("spec.until lies before its beginning")


def _begin(
    projection: Mapping[str, Any], spec: Mapping[str, Any], rules: Lifetimes
) -> datetime.date:
    """The first day of its lifetime: ``notBefore``, else its creation, else (a file) today."""
    if "notBefore" in spec:
        return _date(spec, "notBefore")
    return date_of(projection["created"][:10]) or rules.today


def _invariant(spec: Mapping[str, Any], rules: Lifetimes) -> str:
    written = _text(spec, "invariant", 100)
    name = rules.names.get(written)
    if name is None:
        raise InvalidPolicyError(
            f"spec.invariant={written} names no invariant; see karb-guard list"
        )
    if name in rules.unwaivable:
        raise InvalidPolicyError(f"{name} is about waivers and can't be waived itself")
    return name


def _workload(spec: Mapping[str, Any]) -> dict[str, Any]:
    written = _map(spec.get("workload"))
    kind, name = written.get("kind"), written.get("name")
    if kind is None and "selector" not in written:
        raise InvalidPolicyError("spec.workload needs kind, selector, or both")
    if name is not None and kind is None:
        raise InvalidPolicyError("spec.workload.name needs spec.workload.kind")
    for key, value in (("kind", kind), ("name", name)):
        if value is not None and not (isinstance(value, str) and value):
            raise InvalidPolicyError(f"spec.workload.{key} is no text")
    try:
        selector = compile_selector(written["selector"]) if "selector" in written else None
    except InvalidPolicyError as error:
        raise InvalidPolicyError(f"spec.workload.selector: {error}") from error
    return {"kind": kind, "workload": name, "selector": selector}


def _date(spec: Mapping[str, Any], key: str) -> datetime.date:
    value = spec.get(key)
    # A YAML reader may have made a date of it.
    text = value.isoformat() if isinstance(value, datetime.date) else value
    found = date_of(text) if isinstance(text, str) else None
    if found is None:
        shown = "missing" if value is None else f"{str(value)[:20]!a}, which is no date"
        raise InvalidPolicyError(f"spec.{key} is {shown}; write it as YYYY-MM-DD")
    return found


def _text(spec: Mapping[str, Any], key: str, longest: int) -> str:
    value = spec.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InvalidPolicyError(f"spec.{key} is missing or no text")
    if len(value) > longest:
        raise InvalidPolicyError(f"spec.{key} is longer than {longest} characters")
    return value


def _invalid(projection: Mapping[str, Any], problem: str) -> NotCounting:
    return NotCounting(
        projection["name"], projection["namespace"], "invalid", problem, {"problem": problem}
    )


def _named(waiver: WaiverObject, subject: Subject) -> bool:
    if waiver.kind is None:
        return True
    return any(
        kind == waiver.kind and waiver.workload in (None, name) for kind, name in subject.refs
    )


def _selected(selector: Selector, labels: Mapping[str, str]) -> bool:
    return selector.matches(Labels(labels)) is True


def _labels(obj: Mapping[str, Any], metadata: Path | None) -> Mapping[str, str]:
    if metadata is None:
        return {}
    path = (*metadata, "labels")
    value, depth = walk(obj, path)
    if depth != len(path) or not isinstance(value, Mapping):
        return {}
    return {key: text for key, text in value.items() if isinstance(text, str)}


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
