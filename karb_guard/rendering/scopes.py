"""Which kinds have no namespace: an object of those gets none from ``--namespace``."""

from __future__ import annotations

from typing import Any

_ADMISSION = "admissionregistration.k8s.io"
CLUSTER_SCOPED = frozenset(
    {
        # k8s.io/kubernetes v1.37.2, api/discovery
        ("", "ComponentStatus"),
        ("", "Namespace"),
        ("", "Node"),
        ("", "PersistentVolume"),
        (_ADMISSION, "MutatingAdmissionPolicy"),
        (_ADMISSION, "MutatingAdmissionPolicyBinding"),
        (_ADMISSION, "MutatingWebhookConfiguration"),
        (_ADMISSION, "ValidatingAdmissionPolicy"),
        (_ADMISSION, "ValidatingAdmissionPolicyBinding"),
        (_ADMISSION, "ValidatingWebhookConfiguration"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("apiregistration.k8s.io", "APIService"),
        ("authentication.k8s.io", "SelfSubjectReview"),
        ("authentication.k8s.io", "TokenReview"),
        ("authorization.k8s.io", "SelfSubjectAccessReview"),
        ("authorization.k8s.io", "SelfSubjectRulesReview"),
        ("authorization.k8s.io", "SubjectAccessReview"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("certificates.k8s.io", "ClusterTrustBundle"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        ("internal.apiserver.k8s.io", "StorageVersion"),
        ("networking.k8s.io", "IPAddress"),
        ("networking.k8s.io", "IngressClass"),
        ("networking.k8s.io", "ServiceCIDR"),
        ("node.k8s.io", "RuntimeClass"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("resource.k8s.io", "DeviceClass"),
        ("resource.k8s.io", "DeviceTaintRule"),
        ("resource.k8s.io", "ResourcePoolStatusRequest"),
        ("resource.k8s.io", "ResourceSlice"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("storage.k8s.io", "CSIDriver"),
        ("storage.k8s.io", "CSINode"),
        ("storage.k8s.io", "StorageClass"),
        ("storage.k8s.io", "VolumeAttachment"),
        ("storage.k8s.io", "VolumeAttributesClass"),
        ("storagemigration.k8s.io", "StorageVersionMigration"),
        # custom resources that charts of AI platforms carry, from their projects' API types
        ("gateway.networking.k8s.io", "GatewayClass"),
        ("karpenter.sh", "NodeClaim"),
        ("karpenter.sh", "NodePool"),
        ("karpenter.k8s.aws", "EC2NodeClass"),
        ("kueue.x-k8s.io", "AdmissionCheck"),
        ("kueue.x-k8s.io", "ResourceFlavor"),
        ("kueue.x-k8s.io", "Topology"),
        ("kueue.x-k8s.io", "WorkloadPriorityClass"),
        ("nvidia.com", "NVIDIADriver"),
    }
)
"""(API group, kind)."""


def is_namespaced(api_version: str, kind: str) -> bool:
    """Whether objects of the kind live in namespaces, as far as one can tell without a cluster.

    By convention a kind whose name starts with ``Cluster`` does not; that convention decides for
    custom resources that are not listed.
    """
    group = api_version.rpartition("/")[0]
    return (group, kind) not in CLUSTER_SCOPED and not kind.startswith("Cluster")


def placed(value: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The object in ``namespace``, as ``helm install`` and ``kubectl apply -n`` would place it.

    Itself where it names a namespace or has none by its kind; never changed in place.
    """
    metadata = value.get("metadata", {})
    if not isinstance(metadata, dict) or metadata.get("namespace"):
        return value
    api_version, kind = value.get("apiVersion"), value.get("kind")
    if not (isinstance(api_version, str) and isinstance(kind, str)):
        return value
    if not is_namespaced(api_version, kind):
        return value
    return {**value, "metadata": {**metadata, "namespace": namespace}}
