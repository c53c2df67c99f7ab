"""The webhook configurations that this application wants: which requests come here, and how.

The validating one has four webhooks, so that each can fail in its own way: ``pods`` and
``workloads`` can be trusted with ``Fail``; ``custom`` warns; ``policies`` judges what a cluster is
repaired with (RBAC, Services, NetworkPolicies, Namespaces) and must never be in its way.
Their rules are disjoint: no object comes twice.

Everything the API server would default is written out, so that what is stored can be compared
with what is wanted. The chart renders the same document; a test holds both together.
"""

from __future__ import annotations

import base64
import copy
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from karb_guard.model.invariant import PODS_GROUP
from karb_guard.workloads import TABLE
from karb_guard.workloads.plural import plural

Json = dict[str, Any]

NAME = "karb-guard"
DOMAIN = "karb.dev"
PODS, WORKLOADS, CUSTOM, POLICIES = (
    f"{door}.{DOMAIN}" for door in ("pods", "workloads", "custom", "policies")
)
DOORS = (PODS, WORKLOADS, CUSTOM, POLICIES)
"""Names of the validating webhooks, which API servers put into messages and the audit log."""
FAILABLE = frozenset({PODS, WORKLOADS})
"""Whose failurePolicy follows the operator's choice; the others ignore an absent webhook."""
PATH = "/validate"
MUTATE = f"mutate.{DOMAIN}"
"""Name of the mutating webhook."""
MUTATING_KIND = "MutatingWebhookConfiguration"
MUTATE_PATH = "/mutate"
MUTATE_TIMEOUT_SECONDS = 2
"""Mutating webhooks are called one after the other, and maybe again: a create waits for the sum."""
TIMEOUT_SECONDS = 5
"""Half of the API server's default: a review takes milliseconds, and a create waits for all."""

POD_SUBRESOURCES = ("pods/ephemeralcontainers", "pods/resize")

SCALABLE: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("", "replicationcontrollers"): "ReplicationController",
        ("apps", "deployments"): "Deployment",
        ("apps", "replicasets"): "ReplicaSet",
        ("apps", "statefulsets"): "StatefulSet",
    }
)
"""(API group, resource) -> kind of what is judged when its ``/scale`` changes. Where custom
resources keep their replicas only their CustomResourceDefinitions know."""

BUILT_IN_GROUPS = frozenset(
    {
        "",
        "apps",
        "autoscaling",
        "batch",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)
"""API groups of Kubernetes itself; every other group's kinds are custom resources."""

NEVER = frozenset(
    {
        "/Node",
        "/Event",
        "events.k8s.io/Event",
        "coordination.k8s.io/Lease",
        "apiregistration.k8s.io/APIService",
    }
)
"""Never sent here, whatever an invariant matches: a cluster lives by them, a node has to be able to
join while no webhook runs, and API servers register each API group by an APIService. Lint and
audit judge Nodes and APIServices."""

_NOT_A_KUBELET = {
    # Kubelets may only create mirror pods (NodeRestriction), which describe what runs already, and
    # write no custom resource.
    "name": "not-a-kubelet",
    "expression": "!('system:nodes' in request.userInfo.groups)",
}
_NOT_BEING_DELETED = {
    # Nothing may keep an object from going away. Of Pods and what makes them only: neither starts
    # anything any more, while a binding or a Service is in force until its last finalizer is gone,
    # and what an operator still does with its resource nobody knows. Those never fail closed.
    "name": "not-being-deleted",
    "expression": "object == null || !has(object.metadata.deletionTimestamp)",
}
_NOT_THE_AUTOSCALER = {
    # A burst must not wait for a webhook that is away. An HPA's bounds are judged when it is
    # written, and nobody else has its controller's account.
    "name": "not-the-autoscaler",
    "expression": "!(has(request.subResource) && request.subResource == 'scale' && "
    "request.userInfo.username == 'system:serviceaccount:kube-system:horizontal-pod-autoscaler')",
}
_NOT_THE_CONTROL_PLANE = {
    # What its controllers write follows from what somebody wrote before: aggregated roles, the
    # roles that API servers make at their start, labels and finalizers of namespaces.
    "name": "not-the-control-plane",
    "expression": "!('system:serviceaccounts:kube-system' in request.userInfo.groups) && "
    "!(request.userInfo.username in ['system:apiserver', 'system:kube-controller-manager', "
    "'system:kube-scheduler'])",
}
MATCH_CONDITIONS: Mapping[str, Sequence[Mapping[str, str]]] = MappingProxyType(
    {
        PODS: (_NOT_A_KUBELET, _NOT_BEING_DELETED),
        WORKLOADS: (_NOT_BEING_DELETED, _NOT_THE_AUTOSCALER),
        # Never empty: API servers drop an empty list, and a stored condition would be left behind.
        CUSTOM: (_NOT_A_KUBELET,),
        POLICIES: (_NOT_THE_CONTROL_PLANE,),
    }
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
    """``Ignore`` lets requests in when the webhook is away; ``Fail`` refuses them. For Pods and
    built-in controllers."""
    failure_policies: Mapping[str, str] = field(default_factory=dict)
    """Webhook's name -> its own choice."""
    timeout_seconds: int = TIMEOUT_SECONDS
    excluded_namespaces: tuple[str, ...] = ("kube-system",)
    """Never sent here: the webhook must not stand in the way of what it needs itself."""
    kinds: frozenset[str] = frozenset()
    """What enabled invariants match besides Pods, as ``group/Kind``."""

    def failure_policy_of(self, door: str) -> str:
        """What API servers do when ``door`` does not answer."""
        default = self.failure_policy if door in FAILABLE else "Ignore"
        return self.failure_policies.get(door, default)


def rules(kinds: Iterable[str] = ()) -> dict[str, list[Json]]:
    """Webhook's name -> its rules, one an API group; CREATE and UPDATE.

    Everything that makes Pods always comes here, and of ``kinds`` (``group/Kind``) what no kind in
    ``NEVER`` is. Kinds whose CustomResourceDefinition is not installed cost nothing, and are
    covered from the moment that it is.
    """
    doors: dict[str, dict[str, set[str]]] = {door: {} for door in DOORS}
    makes_pods = {f"{row.group}/{row.kind}" for row in TABLE}
    for kind in makes_pods | (set(kinds) - NEVER - {PODS_GROUP}):
        group, _, name = kind.rpartition("/")
        doors[_door_of(kind, kind in makes_pods)].setdefault(group, set()).add(plural(name))
    doors[PODS][""].update(POD_SUBRESOURCES)
    for group, resource in SCALABLE:
        doors[WORKLOADS].setdefault(group, set()).add(f"{resource}/scale")
    return {
        door: [_rule(door, group, resources) for group, resources in sorted(groups.items())]
        for door, groups in doors.items()
    }


def _door_of(kind: str, makes_pods: bool) -> str:
    if kind == "/Pod":
        return PODS
    if kind.rpartition("/")[0] not in BUILT_IN_GROUPS:
        return CUSTOM
    return WORKLOADS if makes_pods else POLICIES


def _rule(door: str, group: str, resources: Iterable[str]) -> Json:
    return {
        "apiGroups": [group],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": sorted(resources),
        "scope": "Namespaced" if door in FAILABLE else "*",
    }


def widened(template: Json, kinds: Iterable[str]) -> Json:
    """``template`` with rules for ``kinds`` too, where it has the webhook they belong to."""
    wanted = rules(kinds)
    found = copy.deepcopy(template)
    for webhook in found.get("webhooks") or []:
        present: list[Json] = webhook.get("rules") or []
        for rule in wanted.get(str(webhook.get("name")), []):
            known = {
                resource
                for one in present
                if rule["apiGroups"] == one.get("apiGroups")
                for resource in one.get("resources") or []
            }
            missing = sorted(set(rule["resources"]) - known)
            if missing:
                webhook["rules"] = present = [*present, {**rule, "resources": missing}]
    return found


def configuration(options: RegistrationOptions, ca_bundle: bytes) -> Json:
    """The whole ValidatingWebhookConfiguration."""
    wanted = rules(options.kinds)
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": options.name, "labels": {"app.kubernetes.io/name": "karb-guard"}},
        "webhooks": [
            _webhook(door, wanted[door], options, ca_bundle) for door in DOORS if wanted[door]
        ],
    }


def _webhook(
    door: str, door_rules: list[Json], options: RegistrationOptions, ca_bundle: bytes
) -> Json:
    return {
        "name": door,
        "admissionReviewVersions": ["v1"],
        "clientConfig": {**client_config(options.address), "caBundle": encoded(ca_bundle)},
        "failurePolicy": options.failure_policy_of(door),
        "matchConditions": [dict(condition) for condition in MATCH_CONDITIONS[door]],
        "matchPolicy": "Equivalent",
        "namespaceSelector": _not_in(options.excluded_namespaces),
        "objectSelector": {},
        "rules": door_rules,
        "sideEffects": "NoneOnDryRun",
        "timeoutSeconds": options.timeout_seconds,
    }


def mutating_configuration(options: RegistrationOptions, ca_bundle: bytes) -> Json:
    """The whole MutatingWebhookConfiguration: Pods, when they are created, and nothing else.

    Its failurePolicy is always ``Ignore``: it only fills in what the validating webhook asks for.
    Without it a Pod is what its author wrote, and is judged as such; with ``Fail`` an outage would
    stop Pods that need nothing filled in.
    """
    webhook = {
        "name": MUTATE,
        "admissionReviewVersions": ["v1"],
        "clientConfig": {
            **client_config(options.address, MUTATE_PATH),
            "caBundle": encoded(ca_bundle),
        },
        "failurePolicy": "Ignore",
        "matchConditions": [dict(condition) for condition in MATCH_CONDITIONS[PODS]],
        "matchPolicy": "Equivalent",
        "namespaceSelector": _not_in(options.excluded_namespaces),
        "objectSelector": {},
        # Another webhook may add a container after us, which then needs the same as the others.
        "reinvocationPolicy": "IfNeeded",
        "rules": mutating_rules(),
        "sideEffects": "None",
        "timeoutSeconds": min(options.timeout_seconds, MUTATE_TIMEOUT_SECONDS),
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": MUTATING_KIND,
        "metadata": {"name": options.name, "labels": {"app.kubernetes.io/name": "karb-guard"}},
        "webhooks": [webhook],
    }


def mutating_rules() -> list[Json]:
    """Pods on CREATE. Not what makes them: GitOps would see a difference and write it back."""
    return [
        {
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "operations": ["CREATE"],
            "resources": ["pods"],
            "scope": "Namespaced",
        }
    ]


def client_config(address: ServiceAddress | str, path: str = PATH) -> Json:
    """``clientConfig`` without the caBundle."""
    if isinstance(address, str):
        return {"url": address.removesuffix(PATH) + path}
    service = {
        "namespace": address.namespace,
        "name": address.name,
        "path": path,
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


def catalogue_kinds() -> frozenset[str]:
    """What the invariants that come with karb-guard match, enabled or not."""
    from karb_guard.engine.bundles import bundle_for

    catalogue = bundle_for([]).catalogue.invariants
    return frozenset(kind for invariant in catalogue for kind in invariant.match)


def render() -> str:
    """What the chart takes from the kind table and the catalogue: ``files/admission.yaml``."""
    import yaml

    head = (
        "# Generated by `python -m webhook.rules`; a test holds it to kind table and catalogue.\n"
    )
    wanted = rules(catalogue_kinds())
    webhooks = [
        {
            "name": door,
            "failable": door in FAILABLE,
            "matchConditions": [dict(condition) for condition in MATCH_CONDITIONS[door]],
            "rules": wanted[door],
        }
        for door in DOORS
    ]
    mutating = {
        "name": MUTATE,
        "path": MUTATE_PATH,
        "longestTimeoutSeconds": MUTATE_TIMEOUT_SECONDS,
        "matchConditions": [dict(condition) for condition in MATCH_CONDITIONS[PODS]],
        "rules": mutating_rules(),
    }
    document = {"webhooks": webhooks, "mutating": mutating}
    return head + yaml.safe_dump(document, sort_keys=False, width=1000)


if __name__ == "__main__":
    sys.stdout.write(render())
