# METADATA
# title: A service that may scale to zero keeps GPUs while nobody calls it
# description: |-
#   For some tiers a cold start is no harm: nightly batch scoring, a demo, a model for five
#   colleagues. Such a service has no reason to hold GPUs around the clock, and most of its hours are
#   idle ones. Its floor is what is paid for in each of them: the autoscaler's minimum, or without an
#   autoscaler all replicas, times the GPUs of a replica (of a group: of all of its pods). It shows
#   in no alert; the GPU dashboard has a flat line, and the pool never gets smaller.
#   Only the tiers of the parameter are judged. An HPA keeps at least one replica on most clusters
#   (HPAScaleToZero), a ScaledObject goes to zero by default.
# related_resources:
# - ref: https://keda.sh/docs/latest/reference/scaledobject-spec/
#   description: KEDA, ScaledObject specification
# - ref: https://knative.dev/docs/serving/autoscaling/scale-to-zero/
#   description: Knative, scale to zero
# custom:
#   id: KARB-COST-001
#   severity: warning
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match: [pods]
#   context: [autoscalers]
#   params:
#     tiers:
#       type: array
#       items: {type: string, minLength: 1}
#       description: Tiers whose services may scale to zero.
#       default: [best-effort, batch]
#   checks:
#     floor: 'tier {tier} may scale to zero, but {autoscaler} keeps GPUs that are paid for while nobody calls (GPUs: {gpus}, replicas: {replicas})'
#     fixed: 'tier {tier} may scale to zero, but nothing scales this service, whose GPUs are paid for while nobody calls (GPUs: {gpus}, replicas: {replicas})'
#   remediation: |-
#     Let KEDA take it to zero, with a signal from outside of the pods (a queue, the gateway):
#
#       apiVersion: keda.sh/v1alpha1
#       kind: ScaledObject
#       metadata:
#         name: llm
#       spec:
#         scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: llm}
#         minReplicaCount: 0
#         cooldownPeriod: 600
#         triggers:
#         - type: prometheus
#           metadata:
#             serverAddress: http://prometheus.monitoring:9090
#             query: sum(queue_depth{service="llm"})
#             threshold: "10"
#
#     A service that must answer at once belongs to another tier: say so in its label.
package karb.cost.cost_idle

import data.karb.lib.serving

params := input.params["cost-idle"]

violations contains object.union_n([v, certainty, floor.doubt]) if {
	serving.replicated
	some [index, pod, certainty] in serving.gpu_servers
	pod.slo.tier.value in params.tiers
	not serving.worker(pod)
	some floor in floors(index, pod)
	v := {
		"check": floor.check,
		"path": serving.scale_path(pod),
		"detail": object.union(floor.detail, {
			"tier": pod.slo.tier.value,
			"replicas": floor.replicas,
			"gpus": gpus(pod, floor.replicas),
		}),
	}
}

# What is left when nobody calls; of several autoscalers, of each.
floors(index, pod) := [{"check": "fixed", "replicas": pod.scale.replicas, "detail": {}, "doubt": serving.absence} |
	pod.scale.replicas > 0
] if {
	count(serving.autoscalers(index)) == 0
} else := [floor |
	some scaler in serving.autoscalers(index)
	replicas := least(scaler)
	replicas > 0
	named := {"autoscaler": concat(" ", [scaler.kind, scaler.name])}
	floor := {"check": "floor", "replicas": replicas, "detail": named, "doubt": {}}
]

# KEDA's idle count is below its minimum.
least(scaler) := scaler.idle if {
	is_number(scaler.idle)
} else := scaler.min

# Of all templates that are scaled together (a group's leader and workers); `?` where a claim or an
# operator decides how many a pod gets.
gpus(pod, replicas) := replicas * sum(counts) if {
	together := [other | some other in input.pods; serving.scale_path(other) == serving.scale_path(pod)]
	counts := [each | some other in together; each := object.get(other, ["scale", "size"], 1) * held(other)]
	count(counts) == count(together)
} else := "?"

held(pod) := sum(devices) if {
	not is_string(pod.gpu.unknown)
	devices := [container.devices | some container in serving.running(pod); container.devices != 0]
	every each in devices { is_number(each) }
}
