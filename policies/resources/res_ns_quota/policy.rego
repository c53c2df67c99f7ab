# METADATA
# title: A namespace uses GPUs that no ResourceQuota bounds
# description: |-
#   A GPU node costs as much as a rack of others, and the node autoscaler buys one for every pod that
#   asks. In a namespace without a quota on devices one autoscaler with a wrong target, or one Job
#   with a parallelism of 100, takes the whole pool (or the whole budget) from everybody else.
#   A quota counts an extended resource only under its name with the prefix `requests.`; the bare
#   name is accepted and counts nothing. Devices that pods claim (Dynamic Resource Allocation) are
#   counted by their DeviceClass. A quota with scopes counts only the pods that match all of them,
#   so it is no bound for the rest. Workloads that all go through a queue of Kueue are bounded by
#   its ClusterQueue (parameter `kueue`).
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/policy/resource-quotas/#quota-for-extended-resources
#   description: Quota for extended resources
# - ref: https://kubernetes.io/docs/concepts/policy/resource-quotas/
#   description: Resource quotas, with those for claims of a DeviceClass
# custom:
#   id: KARB-RES-006
#   severity: warning
#   since: 0.1.0
#   match: [/Namespace]
#   context: [quotas, gpudemand]
#   params:
#     exempt:
#       type: array
#       items: {type: string, format: glob}
#       description: Names of namespaces that need no quota (globs).
#       default: ["kube-*"]
#     kueue:
#       type: boolean
#       description: Take workloads with Kueue's queue label as bounded by their ClusterQueue.
#       default: true
#   checks:
#     unbounded: 'no ResourceQuota of namespace {namespace} bounds {what}, which workloads there ask for ({count}: {workloads}); set {key}'
#     uncounted: 'ResourceQuota {quota} of namespace {namespace} bounds {resource}, which counts nothing; the key is {key}'
#     scoped: 'namespace {namespace}: {what} is bounded only by ResourceQuota {quota}, which counts only pods of its scopes ({scopes})'
#   remediation: |-
#     Give the namespace a quota of the devices that its teams may hold at once:
#
#       apiVersion: v1
#       kind: ResourceQuota
#       metadata:
#         name: devices
#         namespace: inference
#       spec:
#         hard:
#           requests.nvidia.com/gpu: "8"
#           gpu.nvidia.com.deviceclass.resource.k8s.io/devices: "8"
package karb.resources.res_ns_quota

import data.karb.lib.globs

params := input.params["res-ns-quota"]

namespace := object.get(input.object, ["metadata", "name"], "")

governed if not globs.any_of(params, "exempt", namespace)

violations contains object.union(v, {"path": ["metadata", "name"]}) if {
	governed
	some v in answers
}

answers := {{"check": "unbounded", "detail": {}, "unknown": "what runs in the namespace, or its ResourceQuotas, is not visible here"}} if {
	not known
} else := unbounded | uncounted

known if {
	input.context.quotas
	input.context.gpudemand
}

demands := [demand | some demand in input.context.gpudemand; count(demand.keys) > 0; not queued(demand)]

queued(demand) if {
	params.kueue
	demand.queued
}

# Quotas that bound what is asked for; with scopes, only some of the pods.
bounds(demand) := {quota | some quota in input.context.quotas; some key in demand.keys; quota.hard[key] >= 0}

open(demand) if every quota in bounds(demand) { count(quota.scopes) > 0 }

unbounded contains {"check": "unbounded", "detail": detail} if {
	some demand in demands
	count(bounds(demand)) == 0
	words := {"namespace": namespace, "key": demand.keys[0]}
	detail := object.union(words, object.filter(demand, ["what", "workloads", "count"]))
}

unbounded contains {"check": "scoped", "detail": detail} if {
	some demand in demands
	open(demand)
	some quota in bounds(demand)
	detail := {"namespace": namespace, "what": demand.what, "quota": quota.name, "scopes": quota.scopes}
}

# A claim that can't be resolved may be for anything.
unbounded contains {"check": "unbounded", "detail": {}, "unknown": demand.unknown} if {
	some demand in input.context.gpudemand
	demand.unknown
	not bounded_somehow
}

bounded_somehow if {
	some quota in input.context.quotas
	some key, _ in quota.hard
	endswith(key, ".deviceclass.resource.k8s.io/devices")
}

uncounted contains {"check": "uncounted", "detail": detail} if {
	some quota in input.context.quotas
	some demand in demands
	quota.hard[demand.what] >= 0
	detail := {"namespace": namespace, "quota": quota.name, "resource": demand.what, "key": demand.keys[0]}
}
