"""The API server's constant defaults, one row each, with what sets it in Kubernetes 1.37.

Functions are below ``k8s.io/kubernetes/pkg/apis``; "tag" means the ``+default`` marker of the
field in ``k8s.io/api`` (its effect is in ``zz_generated.defaults.go``).

Defaults that depend on other fields are functions of the modules beside this one, each with its
source.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Default(NamedTuple):
    """One constant default."""

    owner: str
    """The type that has the field."""
    field: str
    value: Any
    source: str
    zero_is_unset: bool = False
    """Not a pointer in Go: ``""`` and ``0`` count as unset."""


TABLE: tuple[Default, ...] = (
    Default("PodSpec", "dnsPolicy", "ClusterFirst", "core/v1 SetDefaults_PodSpec", True),
    Default("PodSpec", "restartPolicy", "Always", "core/v1 SetDefaults_PodSpec", True),
    Default("PodSpec", "schedulerName", "default-scheduler", "core/v1 SetDefaults_PodSpec", True),
    Default("PodSpec", "terminationGracePeriodSeconds", 30, "core/v1 SetDefaults_PodSpec"),
    Default("PodSpec", "securityContext", {}, "core/v1 SetDefaults_PodSpec"),
    Default("Pod", "enableServiceLinks", True, "core/v1 SetDefaults_Pod"),
    Default(
        "Container",
        "terminationMessagePath",
        "/dev/termination-log",
        "core/v1 SetDefaults_Container",
        True,
    ),
    Default("Container", "terminationMessagePolicy", "File", "core/v1 SetDefaults_Container", True),
    Default("ContainerPort", "protocol", "TCP", "core/v1 tag", True),
    Default(
        "ObjectFieldSelector", "apiVersion", "v1", "core/v1 SetDefaults_ObjectFieldSelector", True
    ),
    Default("ResourceFieldSelector", "divisor", "0", "core/v1: the zero value, never left out"),
    Default("FileKeySelector", "optional", False, "core/v1 tag"),
    Default("Probe", "timeoutSeconds", 1, "core/v1 SetDefaults_Probe", True),
    Default("Probe", "periodSeconds", 10, "core/v1 SetDefaults_Probe", True),
    Default("Probe", "successThreshold", 1, "core/v1 SetDefaults_Probe", True),
    Default("Probe", "failureThreshold", 3, "core/v1 SetDefaults_Probe", True),
    Default("HTTPGetAction", "path", "/", "core/v1 SetDefaults_HTTPGetAction", True),
    Default("HTTPGetAction", "scheme", "HTTP", "core/v1 SetDefaults_HTTPGetAction", True),
    Default("GRPCAction", "service", "", "core/v1 tag"),
    Default("hostPath", "type", "", "core/v1 SetDefaults_HostPathVolumeSource"),
    Default("secret", "defaultMode", 0o644, "core/v1 SetDefaults_SecretVolumeSource"),
    Default("configMap", "defaultMode", 0o644, "core/v1 SetDefaults_ConfigMapVolumeSource"),
    Default("downwardAPI", "defaultMode", 0o644, "core/v1 SetDefaults_DownwardAPIVolumeSource"),
    Default("projected", "defaultMode", 0o644, "core/v1 SetDefaults_ProjectedVolumeSource"),
    Default(
        "ServiceAccountTokenProjection",
        "expirationSeconds",
        3600,
        "core/v1 SetDefaults_ServiceAccountTokenProjection",
    ),
    Default("iscsi", "iscsiInterface", "default", "core/v1 tag", True),
    Default("rbd", "pool", "rbd", "core/v1 tag", True),
    Default("rbd", "user", "admin", "core/v1 tag", True),
    Default("rbd", "keyring", "/etc/ceph/keyring", "core/v1 tag", True),
    Default("azureDisk", "cachingMode", "ReadWrite", "core/v1 tag"),
    Default("azureDisk", "fsType", "ext4", "core/v1 tag"),
    Default("azureDisk", "readOnly", False, "core/v1 tag"),
    Default("azureDisk", "kind", "Shared", "core/v1 tag"),
    Default("scaleIO", "storageMode", "ThinProvisioned", "core/v1 tag", True),
    Default("scaleIO", "fsType", "xfs", "core/v1 tag", True),
    Default(
        "PersistentVolumeClaimSpec",
        "volumeMode",
        "Filesystem",
        "core/v1 SetDefaults_PersistentVolumeClaimSpec",
    ),
    Default("ReplicationController", "replicas", 1, "core/v1 tag"),
    Default("Deployment", "replicas", 1, "apps/v1 SetDefaults_Deployment"),
    Default("Deployment", "revisionHistoryLimit", 10, "apps/v1 SetDefaults_Deployment"),
    Default("Deployment", "progressDeadlineSeconds", 600, "apps/v1 SetDefaults_Deployment"),
    Default("ReplicaSet", "replicas", 1, "apps/v1 SetDefaults_ReplicaSet"),
    Default("DaemonSet", "revisionHistoryLimit", 10, "apps/v1 SetDefaults_DaemonSet"),
    Default("StatefulSet", "replicas", 1, "apps/v1 SetDefaults_StatefulSet"),
    Default("StatefulSet", "revisionHistoryLimit", 10, "apps/v1 SetDefaults_StatefulSet"),
    Default(
        "StatefulSet",
        "podManagementPolicy",
        "OrderedReady",
        "apps/v1 SetDefaults_StatefulSet",
        True,
    ),
    Default("Job", "completionMode", "NonIndexed", "batch/v1 SetDefaults_Job"),
    Default("Job", "suspend", False, "batch/v1 SetDefaults_Job"),
    Default("Job", "manualSelector", False, "batch/v1 SetDefaults_Job"),
    Default("CronJob", "concurrencyPolicy", "Allow", "batch/v1 SetDefaults_CronJob", True),
    Default("CronJob", "suspend", False, "batch/v1 SetDefaults_CronJob"),
    Default("CronJob", "successfulJobsHistoryLimit", 3, "batch/v1 SetDefaults_CronJob"),
    Default("CronJob", "failedJobsHistoryLimit", 1, "batch/v1 SetDefaults_CronJob"),
    Default(
        "PodFailurePolicyOnPodConditionsPattern",
        "status",
        "True",
        "batch/v1 SetDefaults_PodFailurePolicyOnPodConditionsPattern",
        True,
    ),
    Default(
        "HorizontalPodAutoscaler",
        "minReplicas",
        1,
        "autoscaling/v2 SetDefaults_HorizontalPodAutoscaler",
    ),
    Default("NetworkPolicyPort", "protocol", "TCP", "networking/v1 SetDefaults_NetworkPolicyPort"),
    Default("ServicePort", "protocol", "TCP", "core/v1 SetDefaults_Service", True),
    Default("Service", "type", "ClusterIP", "core/v1 SetDefaults_Service", True),
    Default("Service", "sessionAffinity", "None", "core/v1 SetDefaults_Service", True),
    Default(
        "RoleRef", "apiGroup", "rbac.authorization.k8s.io", "rbac/v1 SetDefaults_RoleBinding", True
    ),
    Default(
        "PriorityClass",
        "preemptionPolicy",
        "PreemptLowerPriority",
        "scheduling/v1 SetDefaults_PriorityClass",
    ),
)

_BY_OWNER: dict[str, tuple[tuple[str, Any, bool], ...]] = {
    owner: tuple((row.field, row.value, row.zero_is_unset) for row in TABLE if row.owner == owner)
    for owner in {row.owner for row in TABLE}
}


def missing(owner: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """The constant defaults of ``owner`` for fields that are unset in ``value``."""
    found: dict[str, Any] = {}
    for field, default, zero_is_unset in _BY_OWNER[owner]:
        present = value.get(field)
        if present is None or (zero_is_unset and not present):
            found[field] = {} if default == {} else default
    return found


def filled(owner: str, value: dict[str, Any]) -> dict[str, Any]:
    """``value`` with the constant defaults of ``owner``; ``value`` itself if none is missing."""
    found = missing(owner, value)
    return {**value, **found} if found else value


def replaced(value: dict[str, Any], field: str, new: Any) -> dict[str, Any]:
    """``value`` with another value of ``field``; ``value`` itself if it is the one it has."""
    return value if value.get(field) is new else {**value, field: new}


def each(items: Any, change: Any) -> Any:
    """The list with ``change`` applied to each map in it; the list itself if nothing changed.

    Anything that is no list is given back: an object that was not sanitized may hold it.
    """
    if type(items) is not list:
        return items
    new = items
    for index, item in enumerate(items):
        if type(item) is dict:
            changed = change(item)
            if changed is not item:
                new = list(items) if new is items else new
                new[index] = changed
    return new


def below(value: dict[str, Any], field: str, change: Any) -> dict[str, Any]:
    """``value`` with ``change`` applied to the map at ``field``, if there is one."""
    inner = value.get(field)
    return replaced(value, field, change(inner)) if type(inner) is dict else value


def below_each(value: dict[str, Any], field: str, change: Any) -> dict[str, Any]:
    """``value`` with ``change`` applied to each map of the list at ``field``, if there is one."""
    inner = value.get(field)
    return value if inner is None else replaced(value, field, each(inner, change))
