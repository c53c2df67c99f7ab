# METADATA
# title: A replicated GPU service has no PodDisruptionBudget that helps
# description: |-
#   Node upgrades, scale-down of the node pool and repairs evict pods, and the eviction API asks
#   only PodDisruptionBudgets how many may go at once. Without one, a drain of two nodes takes both
#   replicas of a model server, and each needs minutes to load its weights again. The opposite is as
#   bad: a budget that allows no eviction at all blocks every drain, until somebody deletes the pods
#   by force in the middle of an upgrade. Two budgets on one pod are an error of the eviction API,
#   which then evicts nothing. Asked of workloads with more than one replica, or whose autoscaler
#   may make more than one; a single replica is down during a drain with or without a budget.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/workloads/pods/disruptions/
#   description: Disruptions
# - ref: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
#   description: Specifying a disruption budget
# custom:
#   id: KARB-AV-001
#   severity: warning
#   since: 0.1.0
#   match: [pods]
#   context: [pdbs, autoscalers]
#   demanding: true
#   params:
#     scope:
#       type: string
#       enum: [gpu, all]
#       description: Which serving workloads need a budget - those that use a GPU, or all.
#       default: gpu
#   checks:
#     missing: 'no PodDisruptionBudget selects these pods, so a drain may evict all {replicas} replicas at once'
#     blocks: 'PodDisruptionBudget {budget} ({field}: {value}) lets none of up to {replicas} replicas be evicted, so it blocks every drain'
#     several: 'the PodDisruptionBudgets {budgets} select the same pods, and the eviction API refuses to evict such pods'
#   remediation: |-
#     Let one pod go at a time, whatever the number of replicas is:
#
#       apiVersion: policy/v1
#       kind: PodDisruptionBudget
#       metadata:
#         name: llm
#       spec:
#         maxUnavailable: 1
#         selector:
#           matchLabels:
#             app.kubernetes.io/name: llm
#
#     `maxUnavailable` stays right when the autoscaler changes the count; `minAvailable` does not.
package karb.availability.av_pdb

import data.karb.lib.serving

params := input.params["av-pdb"]

violations contains object.union_n([v, certainty, problem]) if {
	serving.replicated
	some index, pod in input.pods
	certainty := in_scope(pod)
	replicas := serving.most(index, pod)
	replicas > 1
	some problem in problems(index, pod, replicas)
	v := {"path": array.concat(pod.metadataPath, ["labels"])}
}

in_scope(pod) := serving.gpu_server(pod) if params.scope == "gpu"

in_scope(_) := serving.kind_doubt if params.scope == "all"

problems(index, _, replicas) := {object.union(missing(replicas), doubt(index))} if {
	count(selecting(index)) == 0
} else := {{"check": "several", "detail": {"budgets": sort([b.name | some b in selecting(index)])}}} if {
	count(selecting(index)) > 1
} else := {problem |
	some budget in selecting(index)
	some field, value in amounts(budget)
	blocks(field, value, fixed(index, replicas, budget))
	detail := {"budget": budget.name, "field": field, "value": text(value), "replicas": replicas}
	problem := {"check": "blocks", "detail": detail}
}

selecting(index) := [budget | some budget in object.get(input.context, "pdbs", []); index in budget.pods]

missing(replicas) := {"check": "missing", "detail": {"replicas": replicas}}

doubt(index) := {"unknown": "the namespace's PodDisruptionBudgets are not known here"} if {
	not input.context.pdbs
} else := {"unknown": "labels that the operator adds decide whether a PodDisruptionBudget selects these pods"} if {
	some budget in input.context.pdbs
	index in budget.maybe
} else := {"unknown": "the operator of this kind may make a PodDisruptionBudget itself"} if {
	input.workload.kind == "SeldonDeployment"
} else := {}

amounts(budget) := {field: budget[field] | some field in ["minAvailable", "maxUnavailable"]; is_object(budget[field])}

text(value) := value.count

text(value) := concat("", [format_int(value.percent, 10), "%"])

# The count that the budget reckons with, where it is sure: the pods of one template and no others.
# A percentage of maxUnavailable rounds up, so that any but 0 lets a pod go; one of minAvailable
# rounds up too, so that 90 % of two is two.
fixed(index, replicas, budget) := replicas if {
	not budget.shared
	count(input.pods) == 1
	input.pods[index].scale.size == 1
	every scaler in serving.autoscalers(index) {
		is_number(scaler.max)
	}
} else := 1000000

blocks("maxUnavailable", value, _) if value.count == 0

blocks("maxUnavailable", value, _) if value.percent == 0

blocks("minAvailable", value, replicas) if value.count >= replicas

blocks("minAvailable", value, replicas) if value.percent * replicas > (replicas - 1) * 100
