"""The field types of objects outside their pod templates, kind by kind (k8s.io/api v0.37)."""

from __future__ import annotations

from karb_guard.facts.pod_types import CLAIM_SPEC, LABEL_SELECTOR, OBJECT_META
from karb_guard.facts.types import (
    ANYTHING,
    BOOLEAN,
    INT32,
    INT64,
    INT_OR_STRING,
    OPTIONAL_QUANTITY,
    QUANTITIES,
    STRING,
    STRING_MAP,
    STRINGS,
    List,
    Object,
    Type,
)


def _kind(**fields: Type) -> Object:
    return Object({"apiVersion": STRING, "kind": STRING, "metadata": OBJECT_META, **fields})


def _of(kind: Type, *names: str) -> dict[str, Type]:
    return dict.fromkeys(names, kind)


_TEMPLATE = Object({"metadata": OBJECT_META})
"""What is left of a pod template when its PodSpec is taken out."""

_ROLLING = Object({**_of(INT_OR_STRING, "maxSurge", "maxUnavailable"), "partition": INT32})
_STRATEGY = Object({"type": STRING, "rollingUpdate": _ROLLING})
_JOB = Object(
    {
        **_of(INT32, "parallelism", "completions", "backoffLimit", "backoffLimitPerIndex"),
        **_of(INT32, "maxFailedIndexes", "ttlSecondsAfterFinished"),
        "activeDeadlineSeconds": INT64,
        **_of(STRING, "completionMode", "podReplacementPolicy", "managedBy"),
        **_of(BOOLEAN, "suspend", "manualSelector"),
        "selector": LABEL_SELECTOR,
        "template": _TEMPLATE,
    }
)
_CLAIM = Object({"metadata": OBJECT_META, "spec": CLAIM_SPEC})

_CROSS_VERSION = Object(_of(STRING, "apiVersion", "kind", "name"))
_TARGET = Object(
    {
        "type": STRING,
        **_of(OPTIONAL_QUANTITY, "value", "averageValue"),
        "averageUtilization": INT32,
    }
)
_METRIC_NAME = Object({"name": STRING, "selector": LABEL_SELECTOR})
_METRIC = Object(
    {
        "type": STRING,
        "resource": Object({"name": STRING, "target": _TARGET}),
        "containerResource": Object({**_of(STRING, "name", "container"), "target": _TARGET}),
        "pods": Object({"metric": _METRIC_NAME, "target": _TARGET}),
        "object": Object(
            {"describedObject": _CROSS_VERSION, "metric": _METRIC_NAME, "target": _TARGET}
        ),
        "external": Object({"metric": _METRIC_NAME, "target": _TARGET}),
    }
)
_SCALING_RULES = Object(
    {
        "stabilizationWindowSeconds": INT32,
        "selectPolicy": STRING,
        "policies": List(Object({"type": STRING, **_of(INT32, "value", "periodSeconds")})),
        "tolerance": OPTIONAL_QUANTITY,
    }
)
_BEHAVIOR = Object(_of(_SCALING_RULES, "scaleUp", "scaleDown"))
_HPA = _kind(
    spec=Object(
        {
            "scaleTargetRef": _CROSS_VERSION,
            **_of(INT32, "minReplicas", "maxReplicas", "targetCPUUtilizationPercentage"),
            "metrics": List(_METRIC),
            "behavior": _BEHAVIOR,
        }
    )
)

_PEERS = List(
    Object(
        {
            **_of(LABEL_SELECTOR, "podSelector", "namespaceSelector"),
            "ipBlock": Object({"cidr": STRING, "except": STRINGS}),
        }
    )
)
_PORTS = List(Object({"protocol": STRING, "port": INT_OR_STRING, "endPort": INT32}))
_NETWORK_POLICY = _kind(
    spec=Object(
        {
            "podSelector": LABEL_SELECTOR,
            "policyTypes": STRINGS,
            "ingress": List(Object({"from": _PEERS, "ports": _PORTS})),
            "egress": List(Object({"to": _PEERS, "ports": _PORTS})),
        }
    )
)

_RULES = List(
    Object(_of(STRINGS, "verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"))
)
_ROLE = _kind(rules=_RULES, aggregationRule=Object({"clusterRoleSelectors": List(LABEL_SELECTOR)}))
_BINDING = _kind(
    subjects=List(Object(_of(STRING, "kind", "apiGroup", "name", "namespace"))),
    roleRef=Object(_of(STRING, "apiGroup", "kind", "name")),
)

_SERVICE = _kind(
    spec=Object(
        {
            **_of(STRING, "type", "clusterIP", "externalTrafficPolicy", "loadBalancerClass"),
            **_of(STRING, "internalTrafficPolicy", "sessionAffinity", "externalName"),
            "selector": STRING_MAP,
            "ports": List(
                Object(
                    {
                        **_of(STRING, "name", "protocol", "appProtocol"),
                        **_of(INT32, "port", "nodePort"),
                        "targetPort": INT_OR_STRING,
                    }
                )
            ),
            "loadBalancerSourceRanges": STRINGS,
        }
    )
)
_SCALED_OBJECT = _kind(
    spec=Object(
        {
            "scaleTargetRef": Object(
                _of(STRING, "apiVersion", "kind", "name", "envSourceContainerName")
            ),
            **_of(INT32, "pollingInterval", "cooldownPeriod", "initialCooldownPeriod"),
            **_of(INT32, "idleReplicaCount", "minReplicaCount", "maxReplicaCount"),
            "fallback": Object(_of(INT32, "failureThreshold", "replicas")),
            "advanced": Object(
                {
                    "restoreToOriginalReplicaCount": BOOLEAN,
                    "horizontalPodAutoscalerConfig": Object(
                        {"name": STRING, "behavior": _BEHAVIOR}
                    ),
                }
            ),
            "triggers": List(
                Object(
                    {
                        **_of(STRING, "type", "name", "metricType"),
                        "useCachedMetrics": BOOLEAN,
                        "metadata": STRING_MAP,
                    }
                )
            ),
        }
    )
)


def _controller(**fields: Type) -> Object:
    common: dict[str, Type] = {
        **_of(INT32, "replicas", "minReadySeconds", "revisionHistoryLimit"),
        "selector": LABEL_SELECTOR,
        "template": _TEMPLATE,
    }
    return _kind(spec=Object({**common, **fields}))


OTHER = _kind()
"""A kind without a row: its metadata has types, the rest is any JSON."""

KINDS: dict[tuple[str, str], Object] = {
    ("", "Namespace"): _kind(spec=Object({"finalizers": STRINGS})),
    ("", "Service"): _SERVICE,
    ("", "ReplicationController"): _controller(selector=STRING_MAP),
    ("", "ServiceAccount"): _kind(automountServiceAccountToken=BOOLEAN),
    ("", "PersistentVolumeClaim"): _kind(spec=CLAIM_SPEC),
    ("", "ResourceQuota"): _kind(spec=Object({"hard": QUANTITIES, "scopes": STRINGS})),
    ("apps", "Deployment"): _controller(
        strategy=_STRATEGY, progressDeadlineSeconds=INT32, paused=BOOLEAN
    ),
    ("apps", "ReplicaSet"): _controller(),
    ("apps", "DaemonSet"): _controller(updateStrategy=_STRATEGY),
    ("apps", "StatefulSet"): _controller(
        updateStrategy=_STRATEGY,
        serviceName=STRING,
        podManagementPolicy=STRING,
        volumeClaimTemplates=List(_CLAIM),
        persistentVolumeClaimRetentionPolicy=Object(_of(STRING, "whenDeleted", "whenScaled")),
    ),
    ("batch", "Job"): _kind(spec=_JOB),
    ("batch", "CronJob"): _kind(
        spec=Object(
            {
                **_of(STRING, "schedule", "timeZone", "concurrencyPolicy"),
                "startingDeadlineSeconds": INT64,
                "suspend": BOOLEAN,
                **_of(INT32, "successfulJobsHistoryLimit", "failedJobsHistoryLimit"),
                "jobTemplate": Object({"metadata": OBJECT_META, "spec": _JOB}),
            }
        )
    ),
    ("autoscaling", "HorizontalPodAutoscaler"): _HPA,
    ("policy", "PodDisruptionBudget"): _kind(
        spec=Object(
            {
                **_of(INT_OR_STRING, "minAvailable", "maxUnavailable"),
                "selector": LABEL_SELECTOR,
                "unhealthyPodEvictionPolicy": STRING,
            }
        )
    ),
    ("networking.k8s.io", "NetworkPolicy"): _NETWORK_POLICY,
    ("rbac.authorization.k8s.io", "Role"): _ROLE,
    ("rbac.authorization.k8s.io", "ClusterRole"): _ROLE,
    ("rbac.authorization.k8s.io", "RoleBinding"): _BINDING,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _BINDING,
    ("scheduling.k8s.io", "PriorityClass"): _kind(
        value=INT32, globalDefault=BOOLEAN, preemptionPolicy=STRING
    ),
    ("node.k8s.io", "RuntimeClass"): _kind(
        handler=STRING,
        overhead=Object({"podFixed": QUANTITIES}),
        scheduling=Object({"nodeSelector": STRING_MAP, "tolerations": ANYTHING}),
    ),
    ("keda.sh", "ScaledObject"): _SCALED_OBJECT,
}


def type_of(group: str, kind: str) -> Object:
    """The type of an object of this kind, pod templates aside."""
    return KINDS.get((group, kind), OTHER)
