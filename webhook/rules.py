"""The ValidatingWebhookConfiguration that this webhook wants: which requests come here, and how.

Everything the API server would default is written out, so that what is stored can be compared
with what is wanted. The chart renders the same document; a test holds both together.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from karb_guard.workloads import TABLE

Json = dict[str, Any]

NAME = "karb-guard"
WEBHOOK_NAME = "validate.karb.dev"
PATH = "/validate"
TIMEOUT_SECONDS = 5
"""Half of the API server's default: a review takes milliseconds, and a create waits for all."""

POD_SUBRESOURCES = ("pods/ephemeralcontainers", "pods/resize")

MATCH_CONDITIONS: Sequence[Mapping[str, str]] = (
    # Kubelets may only create mirror pods (NodeRestriction), which describe what runs already.
    {"name": "not-a-kubelet", "expression": "!('system:nodes' in request.userInfo.groups)"},
    # Nothing may keep an object from going away.
    {
        "name": "not-being-deleted",
        "expression": "object == null || !has(object.metadata.deletionTimestamp)",
    },
)


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """The Service that API servers reach the webhook by."""

    namespace: str
    name: str
    port: int = 443

    @property
    def host(self) -> str:
        """The DNS name that API servers verify."""
        return f"{self.name}.{self.namespace}.svc"


@dataclass(frozen=True, slots=True)
class RegistrationOptions:
    """What an operator may choose about the registration."""

    address: ServiceAddress | str
    """A Service, or an ``https://`` URL for a webhook outside of the cluster."""
    name: str = NAME
    failure_policy: str = "Ignore"
    """``Ignore`` lets requests in when the webhook is away; ``Fail`` refuses them."""
    timeout_seconds: int = TIMEOUT_SECONDS
    excluded_namespaces: tuple[str, ...] = ("kube-system",)
    """Never sent here: the webhook must not stand in the way of what it needs itself."""


def rules() -> list[Json]:
    """One rule an API group of the kind table, CREATE and UPDATE."""
    groups: dict[str, set[str]] = {}
    custom: set[str] = set()
    for row in TABLE:
        groups.setdefault(row.group, set()).add(plural(row.kind))
        if row.operator:
            custom.add(row.group)
    groups[""].update(POD_SUBRESOURCES)
    return [
        {
            "apiGroups": [group],
            "apiVersions": ["*"],
            "operations": ["CREATE", "UPDATE"],
            "resources": sorted(resources),
            "scope": "*" if group in custom else "Namespaced",
        }
        for group, resources in sorted(groups.items())
    ]


def plural(kind: str) -> str:
    """A kind's resource name, guessed as ``meta.UnsafeGuessKindToResource`` does."""
    singular = kind.lower()
    if singular.endswith("s"):
        return singular + "es"
    if singular.endswith("y"):
        return singular[:-1] + "ies"
    return singular + "s"


def configuration(options: RegistrationOptions, ca_bundle: bytes) -> Json:
    """The whole ValidatingWebhookConfiguration."""
    webhook = {
        "name": WEBHOOK_NAME,
        "admissionReviewVersions": ["v1"],
        "clientConfig": {**client_config(options.address), "caBundle": encoded(ca_bundle)},
        "failurePolicy": options.failure_policy,
        "matchConditions": [dict(condition) for condition in MATCH_CONDITIONS],
        "matchPolicy": "Equivalent",
        "namespaceSelector": _not_in(options.excluded_namespaces),
        "objectSelector": {},
        "rules": rules(),
        "sideEffects": "None",
        "timeoutSeconds": options.timeout_seconds,
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": options.name, "labels": {"app.kubernetes.io/name": "karb-guard"}},
        "webhooks": [webhook],
    }


def client_config(address: ServiceAddress | str) -> Json:
    """``clientConfig`` without the caBundle."""
    if isinstance(address, str):
        return {"url": address}
    service = {
        "namespace": address.namespace,
        "name": address.name,
        "path": PATH,
        "port": address.port,
    }
    return {"service": service}


def encoded(ca_bundle: bytes) -> str:
    """PEM as the API carries it."""
    return base64.b64encode(ca_bundle).decode("ascii")


def _not_in(namespaces: Sequence[str]) -> Json:
    if not namespaces:
        return {}
    expression = {
        "key": "kubernetes.io/metadata.name",
        "operator": "NotIn",
        "values": sorted(namespaces),
    }
    return {"matchExpressions": [expression]}
