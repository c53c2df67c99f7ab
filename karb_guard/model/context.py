"""What an invariant may ask for beyond the object it judges (``custom.context``)."""

from __future__ import annotations

from collections.abc import Mapping

CONTEXT_KEYS: Mapping[str, str] = {
    "namespace": "the Namespace object that the judged object lives in",
    "networkpolicies": "the NetworkPolicy objects of the judged object's namespace",
    "isolation": "what those NetworkPolicies add up to for each pod of the judged object",
    "quotas": "the ResourceQuota objects of the judged object's namespace, in milli-units",
    "serviceaccounts": "the ServiceAccounts that the judged object's pods use, and who binds them",
    "boundnode": "the Node that the judged Pod is bound to",
    "nodepools": "the GPU node pools that the judged object describes, and what keeps nodes there",
    "networkplugins": "the network plug-ins that the cluster's DaemonSets show",
    "gpudemand": "the accelerators that the workloads of the judged object's namespace ask for",
    "monitors": "what scrapes the metrics of each pod of the judged object",
    "signatures": "evidence of signatures on the images of the judged object",
    "volumeclaims": "access modes of the PersistentVolumeClaims that the object's pods mount",
    "pdbs": "the PodDisruptionBudgets that select the judged object's pods",
    "autoscalers": "what scales the judged object: HPAs, ScaledObjects, its operator's own",
    "scaletarget": "what the judged HPA or ScaledObject scales, and what else scales that",
    "triggerauths": "the TriggerAuthentications that the judged ScaledObject's triggers name",
    "metricsapis": "what serves the metrics that the judged autoscaler reads",
    "apiowners": "what else wants to serve the API group of the judged APIService",
    "gpucapacity": "the most accelerators that the cluster's node pools and nodes can have",
    "backends": "the workloads whose pods a Service of type LoadBalancer or NodePort selects",
    "runtimeclasses": "the RuntimeClasses of the cluster",
}
"""Key of ``input.context`` -> what it holds. A door that can't supply a key leaves it out, and
the invariant answers ``unknown``."""
