"""The ClusterRoles for people that every API server creates: bindings to them are understood.

Source: ``cluster-roles.yaml`` in the test data of
kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy (v1.37). An end-to-end test holds this
table to what a real API server has.
"""

from __future__ import annotations

from karb_guard.rbac.objects import CLUSTER_ROLE, Role, Rule
from karb_guard.rbac.selectors import IN, Requirement

BOOTSTRAPPING = "kubernetes.io/bootstrapping"
RBAC_DEFAULTS = "rbac-defaults"
AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"

_READ = "get list watch"
_WRITE = "create delete deletecollection patch update"
_ALL = f"{_READ} {_WRITE}"

_VIEW = (
    (
        "core",
        (
            "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods "
            "replicationcontrollers replicationcontrollers/scale serviceaccounts services "
            "services/status bindings limitranges namespaces/status pods/log pods/status "
            "replicationcontrollers/status resourcequotas resourcequotas/status namespaces"
        ),
        _READ,
    ),
    ("core events.k8s.io", "events", _READ),
    ("discovery.k8s.io", "endpointslices", _READ),
    (
        "apps",
        (
            "controllerrevisions daemonsets daemonsets/status deployments deployments/scale "
            "deployments/status replicasets replicasets/scale replicasets/status statefulsets "
            "statefulsets/scale statefulsets/status"
        ),
        _READ,
    ),
    ("autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status", _READ),
    ("batch", "cronjobs cronjobs/status jobs jobs/status", _READ),
    (
        "extensions",
        (
            "daemonsets daemonsets/status deployments deployments/scale deployments/status "
            "ingresses ingresses/status networkpolicies replicasets replicasets/scale "
            "replicasets/status replicationcontrollers/scale"
        ),
        _READ,
    ),
    ("policy", "poddisruptionbudgets poddisruptionbudgets/status", _READ),
    ("networking.k8s.io", "ingresses ingresses/status networkpolicies", _READ),
    ("resource.k8s.io", "resourceclaims resourceclaims/status resourceclaimtemplates", _READ),
)
_EDIT = (
    ("core", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy", _READ),
    ("core", "serviceaccounts", "impersonate"),
    ("core", "pods pods/attach pods/exec pods/portforward pods/proxy", _WRITE),
    ("core", "pods/eviction", "create"),
    (
        "core",
        (
            "configmaps persistentvolumeclaims replicationcontrollers replicationcontrollers/scale "
            "secrets serviceaccounts services services/proxy"
        ),
        _WRITE,
    ),
    ("core", "serviceaccounts/token", "create"),
    ("core events.k8s.io", "events", _WRITE),
    (
        "apps",
        (
            "daemonsets deployments deployments/rollback deployments/scale replicasets "
            "replicasets/scale statefulsets statefulsets/scale"
        ),
        _WRITE,
    ),
    ("autoscaling", "horizontalpodautoscalers", _WRITE),
    ("batch", "cronjobs jobs", _WRITE),
    (
        "extensions",
        (
            "daemonsets deployments deployments/rollback deployments/scale ingresses "
            "networkpolicies replicasets replicasets/scale replicationcontrollers/scale"
        ),
        _WRITE,
    ),
    ("policy", "poddisruptionbudgets", _WRITE),
    ("networking.k8s.io", "ingresses networkpolicies", _WRITE),
    ("coordination.k8s.io", "leases", _ALL),
    ("resource.k8s.io", "resourceclaims resourceclaimtemplates", _WRITE),
)
_ADMIN = (
    ("authorization.k8s.io", "localsubjectaccessreviews", "create"),
    ("rbac.authorization.k8s.io", "rolebindings roles", _ALL),
)


def _rules(rows: tuple[tuple[str, str, str], ...]) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            verbs=tuple(verbs.split()),
            api_groups=tuple("" if group == "core" else group for group in groups.split()),
            resources=tuple(resources.split()),
        )
        for groups, resources, verbs in rows
    )


def _labels(*into: str) -> dict[str, str]:
    return {BOOTSTRAPPING: RBAC_DEFAULTS, **{AGGREGATE + name: "true" for name in into}}


def _part(name: str, rows: tuple[tuple[str, str, str], ...]) -> Role:
    """A role whose rules end up in the one for people."""
    return Role(
        CLUSTER_ROLE, None, f"system:aggregate-to-{name}", _rules(rows), labels=_labels(name)
    )


def _aggregated(name: str, *into: str) -> Role:
    selector = (Requirement(AGGREGATE + name, IN, ("true",)),)
    return Role(CLUSTER_ROLE, None, name, selectors=(selector,), labels=_labels(*into))


CLUSTER_ADMIN = "cluster-admin"
_EVERYTHING = (
    Rule(verbs=("*",), api_groups=("*",), resources=("*",)),
    Rule(verbs=("*",), non_resource_urls=("*",)),
)

DEFAULT_ROLES: tuple[Role, ...] = (
    Role(CLUSTER_ROLE, None, CLUSTER_ADMIN, _EVERYTHING, labels=_labels()),
    _aggregated("admin"),
    _aggregated("edit", "admin"),
    _aggregated("view", "edit"),
    _part("admin", _ADMIN),
    _part("edit", _EDIT),
    _part("view", _VIEW),
)
"""What a cluster has of itself; an object of the same name in the input replaces it."""

DEFAULT_NAMES = frozenset(role.name for role in DEFAULT_ROLES)


def is_default(name: str, labels: object) -> bool:
    """Whether an object is one that the API server creates and repairs at every start.

    The label alone says nothing (anybody may set it), nor does a RoleBinding's name ``admin``.
    """
    marked = isinstance(labels, dict) and labels.get(BOOTSTRAPPING) == RBAC_DEFAULTS
    return marked and (name in DEFAULT_NAMES or name.startswith("system:"))
