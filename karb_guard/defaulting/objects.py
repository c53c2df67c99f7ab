"""Defaults of built-in kinds outside their pod templates."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from karb_guard.defaulting.autoscalers import autoscaler, autoscaler_v1
from karb_guard.defaulting.table import below, below_each, filled, missing, replaced
from karb_guard.defaulting.volumes import default_claim_spec

_Map = dict[str, Any]
_RBAC = "rbac.authorization.k8s.io"


def default_fields(obj: _Map, group: str, version: str, kind: str) -> _Map:
    """``obj`` with the defaults of its kind, pod templates aside; itself if there are none."""
    change = _KINDS.get((group, version, kind))
    return obj if change is None else change(obj)


def _spec(obj: _Map, change: Callable[[_Map], _Map]) -> _Map:
    """Go has no absent structs: an object without spec gets the defaults too."""
    spec = obj.get("spec")
    return replaced(obj, "spec", change(spec if type(spec) is dict else {}))


def _deployment(spec: _Map) -> _Map:
    """``SetDefaults_Deployment``."""
    return {
        **filled("Deployment", spec),
        "strategy": _rolling(spec.get("strategy"), {"maxUnavailable": "25%", "maxSurge": "25%"}),
    }


def _daemon_set(spec: _Map) -> _Map:
    """``SetDefaults_DaemonSet``."""
    rolling = _rolling(spec.get("updateStrategy"), {"maxUnavailable": 1, "maxSurge": 0})
    return {**filled("DaemonSet", spec), "updateStrategy": rolling}


def _rolling(strategy: Any, parameters: _Map) -> _Map:
    new = dict(strategy) if type(strategy) is dict else {}
    new["type"] = new.get("type") or "RollingUpdate"
    if new["type"] == "RollingUpdate":
        given = new.get("rollingUpdate")
        new["rollingUpdate"] = {**parameters, **_set(given)}
    return new


def _set(value: Any) -> _Map:
    """The fields of a map that are set."""
    items = value.items() if type(value) is dict else ()
    return {key: item for key, item in items if item is not None}


def _stateful_set(spec: _Map) -> _Map:
    """``SetDefaults_StatefulSet`` (``MaxUnavailableStatefulSet`` is on from 1.37)."""
    new = dict(filled("StatefulSet", spec))
    given = spec.get("updateStrategy")
    strategy = dict(given) if type(given) is dict else {}
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
        strategy.setdefault("rollingUpdate", {})
    if strategy["type"] == "RollingUpdate" and type(strategy.get("rollingUpdate")) is dict:
        rolling = {"partition": 0, "maxUnavailable": 1, **_set(strategy["rollingUpdate"])}
        strategy["rollingUpdate"] = rolling
    new["updateStrategy"] = strategy
    kept = spec.get("persistentVolumeClaimRetentionPolicy")
    new["persistentVolumeClaimRetentionPolicy"] = {
        "whenDeleted": "Retain",
        "whenScaled": "Retain",
        **{key: value for key, value in _set(kept).items() if value},
    }
    return below_each(new, "volumeClaimTemplates", _claim)


def _claim(claim: _Map) -> _Map:
    """``SetDefaults_PersistentVolumeClaim``, spec and status."""
    spec = claim.get("spec")
    status = claim.get("status")
    return {
        **claim,
        "spec": default_claim_spec(spec if type(spec) is dict else {}),
        "status": {"phase": "Pending", **_set(status)},
    }


def _job(spec: _Map) -> _Map:
    """``SetDefaults_Job``."""
    new = dict(filled("Job", spec))
    if new.get("parallelism") is None:
        if new.get("completions") is None:
            new["completions"] = 1
        new["parallelism"] = 1
    if new.get("backoffLimit") is None:
        new["backoffLimit"] = 6 if new.get("backoffLimitPerIndex") is None else 2**31 - 1
    if new.get("podReplacementPolicy") is None:
        failed = new.get("podFailurePolicy") is not None
        new["podReplacementPolicy"] = "Failed" if failed else "TerminatingOrFailed"
    return _failure_policy(new)


def _failure_policy(spec: _Map) -> _Map:
    pattern = partial(filled, "PodFailurePolicyOnPodConditionsPattern")
    return below(
        spec,
        "podFailurePolicy",
        lambda policy: below_each(
            policy, "rules", lambda rule: below_each(rule, "onPodConditions", pattern)
        ),
    )


def _cron_job(spec: _Map) -> _Map:
    """``SetDefaults_CronJob``; its job template gets no job's defaults."""
    return below(
        filled("CronJob", spec), "jobTemplate", lambda job: below(job, "spec", _failure_policy)
    )


def _network_policy(spec: _Map) -> _Map:
    """``SetDefaults_NetworkPolicy``: without types, Ingress, and Egress if it has rules."""
    new = dict(spec)
    if not spec.get("policyTypes"):
        new["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    port = partial(filled, "NetworkPolicyPort")
    for field in ("ingress", "egress"):
        new = below_each(new, field, lambda rule: below_each(rule, "ports", port))
    return new


def _service(spec: _Map) -> _Map:
    """``SetDefaults_Service``."""
    new = {**spec, **missing("Service", spec)}
    if new["sessionAffinity"] == "None":
        new.pop("sessionAffinityConfig", None)
    elif new["sessionAffinity"] == "ClientIP":
        new["sessionAffinityConfig"] = _affinity_config(spec.get("sessionAffinityConfig"))
    new = below_each(new, "ports", _service_port)
    external = new["type"] in ("LoadBalancer", "NodePort") or (
        new["type"] == "ClusterIP" and bool(new.get("externalIPs"))
    )
    if external and not new.get("externalTrafficPolicy"):
        new["externalTrafficPolicy"] = "Cluster"
    inside = new["type"] in ("ClusterIP", "LoadBalancer", "NodePort")
    if inside and new.get("internalTrafficPolicy") is None:
        new["internalTrafficPolicy"] = "Cluster"
    if new["type"] == "LoadBalancer" and new.get("allocateLoadBalancerNodePorts") is None:
        new["allocateLoadBalancerNodePorts"] = True
    return new


def _affinity_config(config: Any) -> _Map:
    client = config.get("clientIP") if type(config) is dict else None
    if type(client) is dict and client.get("timeoutSeconds") is not None:
        return dict(config)
    return {"clientIP": {"timeoutSeconds": 10800}}


def _service_port(port: _Map) -> _Map:
    new = filled("ServicePort", port)
    if not new.get("targetPort") and "port" in new:
        new = {**new, "targetPort": new["port"]}
    return new


def _binding(obj: _Map) -> _Map:
    """``SetDefaults_RoleBinding``, ``SetDefaults_ClusterRoleBinding``, ``SetDefaults_Subject``."""
    given = obj.get("roleRef")
    new = {**obj, "roleRef": filled("RoleRef", given if type(given) is dict else {})}
    return below_each(new, "subjects", _subject)


def _subject(subject: _Map) -> _Map:
    if subject.get("apiGroup") or subject.get("kind") not in ("User", "Group"):
        return subject
    return {**subject, "apiGroup": _RBAC}


def _namespace(obj: _Map) -> _Map:
    """``SetDefaults_Namespace``: every namespace carries its name as a label."""
    metadata = obj.get("metadata")
    name = metadata.get("name") if type(metadata) is dict else None
    if not name or type(metadata) is not dict:
        return obj
    labels = metadata.get("labels")
    labels = labels if type(labels) is dict else {}
    labels = {**labels, "kubernetes.io/metadata.name": name}
    return {**obj, "metadata": {**metadata, "labels": labels}}


_KINDS: dict[tuple[str, str, str], Callable[[_Map], _Map]] = {
    ("", "v1", "Namespace"): _namespace,
    ("", "v1", "Service"): partial(_spec, change=_service),
    ("", "v1", "PersistentVolumeClaim"): partial(_spec, change=default_claim_spec),
    ("", "v1", "ReplicationController"): partial(
        _spec, change=partial(filled, "ReplicationController")
    ),
    ("apps", "v1", "Deployment"): partial(_spec, change=_deployment),
    ("apps", "v1", "ReplicaSet"): partial(_spec, change=partial(filled, "ReplicaSet")),
    ("apps", "v1", "DaemonSet"): partial(_spec, change=_daemon_set),
    ("apps", "v1", "StatefulSet"): partial(_spec, change=_stateful_set),
    ("batch", "v1", "Job"): partial(_spec, change=_job),
    ("batch", "v1", "CronJob"): partial(_spec, change=_cron_job),
    ("autoscaling", "v2", "HorizontalPodAutoscaler"): partial(_spec, change=autoscaler),
    ("autoscaling", "v1", "HorizontalPodAutoscaler"): partial(_spec, change=autoscaler_v1),
    ("networking.k8s.io", "v1", "NetworkPolicy"): partial(_spec, change=_network_policy),
    (_RBAC, "v1", "RoleBinding"): _binding,
    (_RBAC, "v1", "ClusterRoleBinding"): _binding,
    ("scheduling.k8s.io", "v1", "PriorityClass"): partial(filled, "PriorityClass"),
}
