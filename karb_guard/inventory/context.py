"""Projections of related objects: the few fields that a policy reads, in one shape.

A NetworkPolicy with a field of a wrong type is not projected: the API server would refuse it, so
it protects nothing. It is reported as malformed when it is judged itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BOUNDARY = "karb.dev/boundary"
"""Annotation of a NetworkPolicy: the trust boundary that its allows cross (``L2-to-L4``)."""
MAX_POLICIES = 1_000
"""NetworkPolicies of one namespace in a slice."""


def project_namespace(namespace: Mapping[str, Any], name: str) -> dict[str, Any]:
    """``{"name", "labels"}``; the API server sets the label of the name itself (since 1.22)."""
    return {"name": name, "labels": {**labels_of(namespace), "kubernetes.io/metadata.name": name}}


def project_policy(policy: Mapping[str, Any]) -> dict[str, Any] | None:
    """A NetworkPolicy's name and spec with the API server's defaults; ``None`` if it is malformed.

    Source of the defaults: ``SetDefaults_NetworkPolicy`` in kubernetes/pkg/apis/networking/v1
    (a port's protocol is TCP; without policyTypes it is Ingress, and Egress if there are egress
    rules).
    """
    try:
        spec = _map(policy.get("spec"))
        ingress = [_rule(rule, "from") for rule in _maps(spec.get("ingress"))]
        egress = [_rule(rule, "to") for rule in _maps(spec.get("egress"))]
        return {
            "name": _name(policy),
            "podSelector": _set(_map(spec.get("podSelector"))),
            "policyTypes": _policy_types(spec, egress=bool(egress)),
            "ingress": ingress,
            "egress": egress,
            **_boundary(policy),
        }
    except _MalformedError:
        return None


class _MalformedError(Exception):
    """A field has a type that the API server would refuse."""


def _name(policy: Mapping[str, Any]) -> str:
    metadata = policy.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else ""


def _boundary(policy: Mapping[str, Any]) -> dict[str, str]:
    """The trust boundary that the policy's allows cross, where it names one."""
    metadata = policy.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    named = annotations.get(BOUNDARY) if isinstance(annotations, dict) else None
    return {"boundary": named} if isinstance(named, str) else {}


def _policy_types(spec: dict[str, Any], *, egress: bool) -> list[str]:
    written = spec.get("policyTypes")
    if written is not None and not isinstance(written, list):
        raise _MalformedError
    if any(not isinstance(item, str) for item in written or ()):
        raise _MalformedError
    return list(written or ()) or (["Ingress", "Egress"] if egress else ["Ingress"])


def _rule(rule: dict[str, Any], peers: str) -> dict[str, Any]:
    """A rule as it stands; a missing or empty list is left out, since either means "all"."""
    projected: dict[str, Any] = {}
    found = _maps(rule.get(peers))
    if found:
        projected[peers] = [_set(peer) for peer in found]
    ports = _maps(rule.get("ports"))
    if ports:
        projected["ports"] = [{"protocol": "TCP", **_set(port)} for port in ports]
    return projected


def _set(value: dict[str, Any]) -> dict[str, Any]:
    """Without nulls, which mean that a field is not set."""
    return {key: item for key, item in value.items() if item is not None}


def _map(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _MalformedError
    return value


def _maps(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or any(not isinstance(item, dict) for item in value):
        raise _MalformedError
    return value


def labels_of(namespace: Mapping[str, Any]) -> dict[str, str]:
    """The labels of a Namespace object, without those of a wrong type."""
    metadata = namespace.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    if not isinstance(labels, dict):
        return {}
    return {k: v for k, v in labels.items() if isinstance(k, str) and isinstance(v, str)}
