# METADATA
# title: A workload may ask for more GPUs than its namespace may have
# description: |-
#   GPUs per pod times replicas is what a service takes, and times the autoscaler's maximum what it
#   takes on a bad day. A maximum that nobody multiplied out (20 replicas of 8 GPUs) drains the pool
#   of everybody else during one burst, or runs into the quota: the replicas that the autoscaler
#   counts on are then refused one by one, in events that nobody reads. Held against it are the
#   parameters `caps` and `cap`, the namespace's ResourceQuotas for the same resource, and what the
#   cluster can ever have of it: the limits of Karpenter's NodePools and the nodes of no pool, MIG
#   slices too, where nothing else adds nodes. Replicas of a LeaderWorkerSet are groups: each takes the GPUs of all of its pods. Of batch jobs the pods
#   that run side by side count, and only against the caps: under a quota the others wait.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/policy/resource-quotas/
#   description: Resource quotas
# custom:
#   id: KARB-RES-005
#   severity: error
#   amount: gpus
#   since: 0.1.0
#   match: [pods]
#   context: [autoscalers, quotas, gpucapacity]
#   params:
#     caps:
#       type: object
#       additionalProperties: {type: integer, minimum: 0}
#       description: Namespace (shell globs) to the devices that one workload there may take at most; of several globs that match, the smallest counts, and a namespace's own name before all globs.
#       default: {}
#     cap:
#       type: [integer, 'null']
#       minimum: 0
#       description: The same for namespaces that `caps` doesn't name; null for no cap.
#       default: null
#   checks:
#     cap: 'it may take {gpus} GPUs (replicas: up to {replicas}), more than the {cap} that a workload of namespace {namespace} may have'
#     quota: 'it may take {gpus} of {resource} (replicas: up to {replicas}), more than the {hard} of ResourceQuota {quota}'
#     capacity: 'it may take {gpus} of {resource} (replicas: up to {replicas}), more than the {hard} that the cluster can have ({of})'
#   remediation: |-
#     Lower the replicas, or the autoscaler's maximum, to what the namespace may have:
#
#       spec:
#         maxReplicas: 4      # x 2 GPUs a pod = 8
#
#     or have the cap raised together with the pool. A maximum above the quota is no reserve: the
#     replicas beyond it never start.
package karb.resources.res_gpu_cap

import data.karb.lib.globs
import data.karb.lib.objects

params := input.params["res-gpu-cap"]

namespace := objects.shown_namespace

# Only what may use GPUs is counted at all.
judged if {
	input.workload.role in {"serving", "pod"}
	not input.workload.controlled
	some pod in input.pods
	user(pod)
}

user(pod) if pod.gpu.workload

user(pod) if is_string(pod.gpu.unknown)

# A template without a count (a step of a workflow) may run before or after the others.
bounded if judged

bounded if {
	input.workload.role == "batch"
	not input.workload.controlled
	some pod in input.pods
	pod.scale
	user(pod)
}

violations contains found("cap", everything, {"cap": limit, "namespace": namespace}) if {
	limit := cap
	bounded
	everything > limit
}

violations contains object.union(found("cap", 0, {"cap": limit, "namespace": namespace}), {"unknown": why}) if {
	limit := cap
	bounded
	everything <= limit
	some pod in input.pods
	user(pod)
	uncounted(pod)
	why := "how many GPUs these pods get, by a claim or from an operator, can't be told here"
}

violations contains found("quota", gpus, {"resource": resource, "hard": hard / 1000, "quota": quota.name}) if {
	judged
	some quota in input.context.quotas
	count(quota.scopes) == 0
	some resource, gpus in requested
	hard := quota.hard[concat("", ["requests.", resource])]
	gpus * 1000 > hard
}

violations contains found("capacity", gpus, {"resource": resource, "hard": whole.amount / 1000, "of": whole.of}) if {
	known := input.context.gpucapacity # first: what is requested takes counting
	judged
	some resource, gpus in requested
	whole := known[resource]
	gpus * 1000 > whole.amount
}

violations contains {"check": "capacity", "path": place, "detail": {}, "unknown": why} if {
	not input.context.gpucapacity
	judged
	why := "the nodes and node pools of the cluster are not known here"
}

violations contains {"check": "quota", "path": place, "detail": {}, "unknown": why} if {
	not input.context.quotas
	judged
	why := "the ResourceQuotas of the namespace are not known here"
}

found(check, gpus, detail) := {
	"check": check,
	"path": place,
	"detail": object.union({"gpus": gpus, "replicas": replicas}, detail),
}

cap := params.caps[namespace]

cap := least if {
	not params.caps[namespace]
	least := min([limit | some glob, limit in params.caps; globs.any_match([glob], namespace)])
}

cap := params.cap if {
	is_number(params.cap)
	not params.caps[namespace]
	count([glob | some glob, _ in params.caps; globs.any_match([glob], namespace)]) == 0
}

# Where replicas are written, or the quantity of what has none.
place := [pod.scale.path | some pod in input.pods; user(pod); pod.scale][0]

place := [gpu.path | some gpu in input.pods[_].containers[_].gpus][0] if {
	count([pod | some pod in input.pods; user(pod); pod.scale]) == 0
}
