"""Kinds that carry no pod templates, so that nothing is looked for in them.

A kind that is neither here nor in the kind table is walked. The built-in kinds are listed one by
one, not by group: a mistyped ``kind: Deploymnt`` of ``apps/v1`` must not pass as understood.
"""

from __future__ import annotations

_BUILT_IN = {  # k8s.io/api v0.37, apiextensions-apiserver and kube-aggregator of the same release
    "": """Binding ComponentStatus ConfigMap Endpoints Event LimitRange Namespace Node
        PersistentVolume PersistentVolumeClaim ResourceQuota Secret Service ServiceAccount""",
    "admissionregistration.k8s.io": """MutatingAdmissionPolicy MutatingAdmissionPolicyBinding
        MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding
        ValidatingWebhookConfiguration""",
    "apiextensions.k8s.io": "CustomResourceDefinition",
    "apiregistration.k8s.io": "APIService",
    "apps": "ControllerRevision Scale",  # a revision is history: its controller is judged
    "authentication.k8s.io": "SelfSubjectReview TokenRequest TokenReview",
    "authorization.k8s.io": """LocalSubjectAccessReview SelfSubjectAccessReview
        SelfSubjectRulesReview SubjectAccessReview""",
    "autoscaling": "HorizontalPodAutoscaler Scale",
    "certificates.k8s.io": "CertificateSigningRequest ClusterTrustBundle PodCertificateRequest",
    "coordination.k8s.io": "Lease LeaseCandidate",
    "discovery.k8s.io": "EndpointSlice",
    "events.k8s.io": "Event",
    "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
    "internal.apiserver.k8s.io": "StorageVersion",
    "networking.k8s.io": "IPAddress Ingress IngressClass NetworkPolicy ServiceCIDR",
    "node.k8s.io": "RuntimeClass",
    "policy": "Eviction PodDisruptionBudget",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "resource.k8s.io": "DeviceClass DeviceTaintRule ResourceClaim ResourceClaimTemplate"
    " ResourceSlice",
    "scheduling.k8s.io": "CompositePodGroup PodGroup PriorityClass Workload",
    "storage.k8s.io": """CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment
        VolumeAttributesClass""",
    "storagemigration.k8s.io": "StorageVersionMigration",
}

_CUSTOM = {
    "keda.sh": "ClusterTriggerAuthentication ScaledObject TriggerAuthentication",
    "kueue.x-k8s.io": "AdmissionCheck ClusterQueue Cohort LocalQueue ResourceFlavor Topology"
    " WorkloadPriorityClass",
    "monitoring.coreos.com": "PodMonitor Probe PrometheusRule ScrapeConfig ServiceMonitor",
    "scheduling.volcano.sh": "PodGroup Queue",
    "serving.kserve.io": "ClusterStorageContainer LocalModelCache LocalModelNodeGroup TrainedModel",
}
"""Common neighbours of inference workloads. Kinds whose operator starts pods of its own making
(a Prometheus, an InferenceGraph) are not here: they stay unknown."""

PODLESS_KINDS: frozenset[tuple[str, str]] = frozenset(
    (group, kind)
    for group, kinds in (*_BUILT_IN.items(), *_CUSTOM.items())
    for kind in kinds.split()
)
"""(API group, kind) of kinds without pod templates."""

PODLESS_GROUPS: frozenset[str] = frozenset(
    {
        "gateway.networking.k8s.io",
        "inference.networking.k8s.io",
        "networking.istio.io",
        "security.istio.io",
        "cert-manager.io",
        "external-secrets.io",
        "kyverno.io",
        "policies.kyverno.io",
        "constraints.gatekeeper.sh",
        "mutations.gatekeeper.sh",
        "templates.gatekeeper.sh",
    }
)
"""Groups without any such kind. What looks like a PodSpec in a Kyverno or Gatekeeper policy is a
pattern that pods are held against."""


def carries_no_pods(group: str, kind: str) -> bool:
    """Whether the kind is known to hold no pod templates."""
    return (group, kind) in PODLESS_KINDS or group in PODLESS_GROUPS
