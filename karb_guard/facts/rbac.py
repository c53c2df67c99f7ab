"""The ``rbac`` of the input document: what a role grants, and a binding to whom."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from karb_guard.facts.settings import FactSettings
from karb_guard.model.finding import Path
from karb_guard.model.patterns import lazy
from karb_guard.rbac import Binding, RbacIndex, Role, Rule, Subject, parse_binding, parse_role
from karb_guard.rbac.default_roles import is_default
from karb_guard.rbac.objects import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE_KINDS, kind_of
from karb_guard.rbac.users import everybody

MAX_RULES = 5_000
"""Rules in one document. The API server's own largest role has some 300."""

REVIEW_BY = "review-by"
"""The annotation, after the configured prefix, that names the last day before a review."""

_DATE = lazy(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NOTHING = RbacIndex((), ())
_Found = tuple[Rule, Path, str | None]
"""A rule, where the object has it from (a path in the object), and the role that holds it."""

Json = dict[str, Any]


def rbac_facts(
    obj: Mapping[str, Any],
    settings: FactSettings,
    index: Callable[[], RbacIndex] | None = None,
) -> Json | None:
    """The facts of a Role, ClusterRole or binding; ``None`` for any other kind.

    ``obj`` has been sanitized. ``index`` gives the other objects of the input; without one, only
    the roles that every cluster has are known. What can't be told stands in ``unresolved``.
    """
    kind = kind_of(obj)
    if kind is None:
        return None
    known = _NOTHING if index is None else index()
    described = _of_role(obj, known) if kind in ROLE_KINDS else _of_binding(obj, known)
    if described is None:
        return None
    metadata = obj.get("metadata") or {}
    return {
        "kind": kind,
        "clusterWide": kind in {CLUSTER_ROLE, CLUSTER_ROLE_BINDING},
        "builtin": is_default(str(metadata.get("name", "")), metadata.get("labels")),
        "reviewBy": _review(metadata.get("annotations") or {}, settings),
        **described,
    }


def _of_role(obj: Mapping[str, Any], index: RbacIndex) -> Json | None:
    role = parse_role(obj)
    if role is not None:
        return _document(_rules_of(role, index), index.effective(role).unresolved)
    written = parse_role({key: value for key, value in obj.items() if key != "aggregationRule"})
    if written is None:
        return None
    return _document(_rules_of(written, index), "its aggregationRule selects in no valid way")


def _rules_of(role: Role, index: RbacIndex) -> Iterator[_Found]:
    """A role's own rules; of an aggregated one, those that the controller puts there.

    Where these aren't all known, the written ones count too: they hold until it replaces them,
    and in an object read from a cluster they are what it has put there.
    """
    effective = index.effective(role)
    if role.selectors is None or effective.unresolved is not None:
        yield from ((rule, ("rules", place), None) for place, rule in enumerate(role.rules))
    for brought in effective.brought:
        path = ("aggregationRule", "clusterRoleSelectors", brought.selector)
        yield brought.rule, path, str(brought.role)


def _of_binding(obj: Mapping[str, Any], index: RbacIndex) -> Json | None:
    binding = parse_binding(obj)
    if binding is None:
        return None
    ref = binding.role_ref
    role = index.role(ref, binding.namespace)
    effective = index.effective(role) if role is not None else None
    unresolved = f"{ref} is not known here" if effective is None else effective.unresolved
    rules = effective.rules if effective is not None else ()
    path: Path = ("roleRef", "name")
    described = _document(((rule, path, str(ref)) for rule in rules), unresolved)
    return {
        **described,
        "roleRef": {
            "kind": ref.kind,
            "name": ref.name,
            "text": str(ref),
            "builtin": role is not None and is_default(role.name, dict(role.labels)),
            "path": list(path),
        },
        "subjects": [
            _subject(subject, place, binding) for place, subject in enumerate(binding.subjects)
        ],
    }


def _document(found: Iterable[_Found], unresolved: str | None) -> Json:
    kept = list(islice(found, MAX_RULES + 1))
    if len(kept) > MAX_RULES:
        unresolved = f"it grants more than {MAX_RULES:,} rules"
    return {
        "rules": [_rule(rule, path, source) for rule, path, source in kept[:MAX_RULES]],
        "unresolved": unresolved,
    }


def _rule(rule: Rule, path: Path, source: str | None) -> Json:
    return {
        "verbs": list(rule.verbs),
        "apiGroups": list(rule.api_groups),
        "resources": list(rule.resources),
        "resourceNames": list(rule.resource_names),
        "nonResourceURLs": list(rule.non_resource_urls),
        "path": list(path),
        "from": source,
    }


def _subject(subject: Subject, place: int, binding: Binding) -> Json:
    namespace = subject.namespace or binding.namespace or ""
    local = subject.kind == "ServiceAccount" and namespace
    name = f"{namespace}/{subject.name}" if local else subject.name
    return {
        "kind": subject.kind,
        "name": subject.name,
        "text": f"{subject.kind} {name}",
        "everybody": everybody(subject.kind, subject.name),
        "path": ["subjects", place],
    }


def _review(annotations: Mapping[str, str], settings: FactSettings) -> Json:
    key = settings.slo_prefix + REVIEW_BY
    raw = annotations.get(key)
    return {
        "key": key,
        "raw": raw,
        "date": _date(raw) if raw is not None else None,
        "path": ["metadata", "annotations", key],
    }


def _date(raw: str) -> str | None:
    """The date as it stands, if it is one of the calendar; two such compare as texts do."""
    try:
        return datetime.date.fromisoformat(raw).isoformat() if _DATE.fullmatch(raw) else None
    except ValueError:
        return None
