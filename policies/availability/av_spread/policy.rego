# METADATA
# title: The replicas of a GPU service may all land on one node
# description: |-
#   Small models leave room for several replicas on a node with many GPUs, and the scheduler, told
#   to bin-pack expensive nodes, puts them there. One failed GPU driver, one spot reclaim or one
#   drain then takes the whole service, however many replicas it had. Topology spread constraints or
#   pod anti-affinity keep replicas apart; preferred ones are enough, since a full cluster must not
#   leave a replica Pending. A selector that doesn't match the pods' own labels, mostly copied from
#   another workload, keeps nothing apart. Pods that take a whole node's GPUs are apart anyway, and so
#   are those that take a node's TPUs, by the topology of the slice that they select.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
#   description: Pod topology spread constraints
# - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#affinity-and-anti-affinity
#   description: Affinity and anti-affinity
# custom:
#   id: KARB-AV-005
#   severity: warning
#   since: 0.1.0
#   match: [pods]
#   context: [autoscalers]
#   demanding: true
#   params:
#     scope:
#       type: string
#       enum: [gpu, all]
#       description: Which serving workloads must be spread - those that use a GPU, or all.
#       default: gpu
#     nodeGpus:
#       type: integer
#       minimum: 1
#       description: Devices of the largest GPU node; a pod that asks for as many shares its node with no other replica.
#       default: 8
#   checks:
#     missing: 'up to {replicas} replicas have neither topologySpreadConstraints nor pod anti-affinity, so one node may hold them all'
#     selector: 'topologySpreadConstraints and anti-affinity select none of the labels of these pods, so they keep none of up to {replicas} replicas apart'
#   remediation: |-
#     Spread over nodes, and over zones where there are several:
#
#       topologySpreadConstraints:
#       - maxSkew: 1
#         topologyKey: kubernetes.io/hostname
#         whenUnsatisfiable: ScheduleAnyway
#         labelSelector:
#           matchLabels:
#             app.kubernetes.io/name: llm
package karb.availability.av_spread

import data.karb.lib.pods
import data.karb.lib.serving

params := input.params["av-spread"]

violations contains object.union_n([v, certainty, pods.pod_doubt(pod)]) if {
	serving.replicated
	input.workload.group != "serving.knative.dev" # where the fields are off unless an operator enables them
	some index, pod in input.pods
	certainty := in_scope(pod)
	not serving.worker(pod)
	replicas := serving.most(index, pod)
	replicas > 1
	not apart(pod)
	selectors := spreading(pod)
	not any_own(selectors, pod)
	v := {
		"check": check(selectors),
		"path": array.concat(pod.path, ["topologySpreadConstraints"]),
		"detail": {"replicas": replicas},
	}
}

in_scope(pod) := serving.gpu_server(pod) if params.scope == "gpu"

in_scope(_) := serving.kind_doubt if params.scope == "all"

check([]) := "missing"

check(selectors) := "selector" if count(selectors) > 0

# Each replica has its nodes to itself.
apart(pod) if {
	whole := [gpu.limit | some gpu in pod.containers[_].gpus; gpu.form in {"device", "claimed"}; is_number(gpu.limit)]
	sum(whole) >= params.nodeGpus * 1000
}

apart(pod) if {
	topology := pod.spec.nodeSelector["cloud.google.com/gke-tpu-topology"]
	regex.match(`^[1-9][0-9]{0,3}(x[1-9][0-9]{0,3}){1,2}$`, topology)
	chips := product([to_number(side) | some side in split(topology, "x")])
	asked := sum([gpu.limit | some gpu in pod.containers[_].gpus; gpu.resource == "google.com/tpu"; is_number(gpu.limit)])
	takes_all(asked / 1000, chips)
}

# A slice is one node, or several, and a pod takes all TPUs of one. No node has more than eight
# (GKE's machine types, ct6e-standard-8t).
takes_all(asked, chips) if asked == chips

takes_all(asked, chips) if {
	asked > 0
	chips > 8
}

apart(_) if input.object.metadata.annotations["leaderworkerset.sigs.k8s.io/exclusive-topology"]

# The selectors of all that keeps pods apart; null where one has none.
spreading(pod) := array.concat(
	[object.get(constraint, "labelSelector", null) | some constraint in pod.spec.topologySpreadConstraints],
	array.concat(
		[object.get(term, "labelSelector", null) | some term in anti_affinity(pod, "requiredDuringSchedulingIgnoredDuringExecution")],
		[object.get(term, ["podAffinityTerm", "labelSelector"], null) |
			some term in anti_affinity(pod, "preferredDuringSchedulingIgnoredDuringExecution")
		],
	),
)

anti_affinity(pod, strength) := object.get(pod.spec, ["affinity", "podAntiAffinity", strength], [])

any_own(selectors, pod) if {
	some selector in selectors
	selector != null
	every key, value in object.get(selector, "matchLabels", {}) {
		carries(pod, key, value)
	}
}

carries(pod, key, value) if pod.labels[key] == value

# The operator of a custom resource adds labels of its own.
carries(pod, key, _) if {
	input.workload.operator
	not pod.labels[key]
}
