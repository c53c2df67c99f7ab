"""RBAC objects as plain data, read from manifests of any shape.

An object with a field of a wrong type is not read: the API server would refuse it, so it grants
nothing. It is reported as malformed when it is judged itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from karb_guard.rbac.selectors import Selector, parse_selector
from karb_guard.rbac.shapes import MalformedError, maps, optional_map, text, texts

GROUP = "rbac.authorization.k8s.io"
ROLE = "Role"
CLUSTER_ROLE = "ClusterRole"
ROLE_BINDING = "RoleBinding"
CLUSTER_ROLE_BINDING = "ClusterRoleBinding"
ROLE_KINDS = frozenset({ROLE, CLUSTER_ROLE})
BINDING_KINDS = frozenset({ROLE_BINDING, CLUSTER_ROLE_BINDING})
KINDS = ROLE_KINDS | BINDING_KINDS

Object = Mapping[str, Any]


class Rule(NamedTuple):
    """One PolicyRule. An empty list matches nothing, but empty ``resource_names`` every name."""

    verbs: tuple[str, ...] = ()
    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()
    non_resource_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Role:
    """A Role or a ClusterRole."""

    kind: str
    namespace: str | None
    name: str
    rules: tuple[Rule, ...] = ()
    """As written. In an aggregated ClusterRole a controller replaces them."""
    selectors: tuple[Selector, ...] | None = None
    """``aggregationRule.clusterRoleSelectors``; ``None`` without an aggregationRule."""
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class RoleRef(NamedTuple):
    """The role that a binding gives."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Subject(NamedTuple):
    """Whom a binding gives it to: ``User``, ``Group`` or ``ServiceAccount``."""

    kind: str
    name: str
    namespace: str = ""
    """Of a ServiceAccount; where it is empty, a RoleBinding's own namespace counts."""


class Binding(NamedTuple):
    """A RoleBinding or a ClusterRoleBinding."""

    kind: str
    namespace: str | None
    name: str
    role_ref: RoleRef
    subjects: tuple[Subject, ...] = ()


def kind_of(obj: Object) -> str | None:
    """The kind, if it is one of RBAC's four; the version doesn't matter."""
    version, kind = obj.get("apiVersion"), obj.get("kind")
    if not isinstance(version, str) or version.rpartition("/")[0] != GROUP:
        return None
    return kind if isinstance(kind, str) and kind in KINDS else None


def parse_role(obj: Object) -> Role | None:
    """The Role or ClusterRole; ``None`` where a field has a type that Kubernetes can't read."""
    kind = kind_of(obj)
    try:
        metadata = optional_map(obj.get("metadata"))
        return Role(
            kind=kind or "",
            namespace=_namespace(metadata) if kind == ROLE else None,
            name=text(metadata.get("name")),
            rules=tuple([_rule(rule) for rule in maps(obj.get("rules"))]),
            selectors=_selectors(obj) if kind == CLUSTER_ROLE else None,
            labels=_labels(metadata),
        )
    except MalformedError:
        return None


def parse_binding(obj: Object) -> Binding | None:
    """The binding; ``None`` where a field has a type that Kubernetes can't read."""
    kind = kind_of(obj)
    try:
        metadata = optional_map(obj.get("metadata"))
        ref = optional_map(obj.get("roleRef"))
        return Binding(
            kind=kind or "",
            namespace=_namespace(metadata) if kind == ROLE_BINDING else None,
            name=text(metadata.get("name")),
            role_ref=RoleRef(text(ref.get("kind")), text(ref.get("name"))),
            subjects=tuple([_subject(subject) for subject in maps(obj.get("subjects"))]),
        )
    except MalformedError:
        return None


def _rule(rule: Mapping[str, Any]) -> Rule:
    return Rule(
        verbs=texts(rule.get("verbs")),
        api_groups=texts(rule.get("apiGroups")),
        resources=texts(rule.get("resources")),
        resource_names=texts(rule.get("resourceNames")),
        non_resource_urls=texts(rule.get("nonResourceURLs")),
    )


def _subject(subject: Mapping[str, Any]) -> Subject:
    return Subject(
        kind=text(subject.get("kind")),
        name=text(subject.get("name")),
        namespace=text(subject.get("namespace")),
    )


def _selectors(obj: Object) -> tuple[Selector, ...] | None:
    rule = obj.get("aggregationRule")
    if rule is None:
        return None
    written = maps(optional_map(rule).get("clusterRoleSelectors"))
    return tuple([parse_selector(selector) for selector in written])


def _namespace(metadata: Mapping[str, Any]) -> str | None:
    return text(metadata.get("namespace")) or None


def _labels(metadata: Mapping[str, Any]) -> dict[str, str]:
    labels = optional_map(metadata.get("labels"))
    return {key: text(value) for key, value in labels.items() if isinstance(key, str)}
