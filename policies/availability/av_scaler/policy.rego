# METADATA
# title: A GPU service has no autoscaler, or one beside its operator's own
# description: |-
#   A service of a fixed size is too small at noon and too large at night, and idle GPUs are the most
#   expensive thing in the cluster. Two autoscalers on one target undo each other's work every few
#   seconds: replicas flap, and each flap costs a model load. Exactly one autoscaler is asked for: an
#   HPA or a ScaledObject (with the HPA that KEDA makes of it), or what the kind's operator runs
#   (Knative, KServe, Ray). What is wrong with an HPA or a ScaledObject, two of them on one target
#   included, is reported there, by the invariants `as-*`; here only what no other object can show: an
#   autoscaler of the operator's own beside another one, and AIBrix PodAutoscalers. Where a service is meant to have a fixed size, ignore the invariant for it, or set
#   `required` to false.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
#   description: Horizontal Pod Autoscaling
# - ref: https://keda.sh/docs/latest/reference/scaledobject-spec/
#   description: KEDA, ScaledObject specification
# custom:
#   id: KARB-AV-007
#   severity: error
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match: [pods]
#   context: [autoscalers]
#   demanding: true
#   params:
#     required:
#       type: boolean
#       description: Whether a GPU service without any autoscaler is reported; several, and broken ones, are in any case.
#       default: true
#   checks:
#     none: 'no autoscaler targets this GPU workload, so its size is fixed'
#     several: '{autoscalers} all scale this workload, and undo each other''s work'
#     target: '{autoscaler} does not work here: {problem}'
#     bounds: '{autoscaler} has a minimum of {min} and a maximum of {max}: {problem}'
#   remediation: |-
#     Scale on what the server itself is waiting for. With KEDA, on vLLM's queue:
#
#       apiVersion: keda.sh/v1alpha1
#       kind: ScaledObject
#       metadata:
#         name: llm
#       spec:
#         scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: llm}
#         minReplicaCount: 1
#         maxReplicaCount: 4
#         triggers:
#         - type: prometheus
#           metadata:
#             serverAddress: http://prometheus.monitoring:9090
#             query: sum(vllm:num_requests_waiting{model_name="llm"})
#             threshold: "8"
#
#     Remove any HorizontalPodAutoscaler of the same target: KEDA makes its own.
package karb.availability.av_scaler

import data.karb.lib.serving

params := input.params["av-scaler"]

violations contains object.union_n([v, certainty, each.doubt]) if {
	serving.replicated
	some [index, pod, certainty] in serving.gpu_servers
	not serving.worker(pod)
	not head(pod)
	some each in problems(index)
	v := object.union({"path": serving.scale_path(pod), "detail": {}}, each.problem)
}

problems(index) := {{"problem": {"check": "none"}, "doubt": serving.absence} | params.required} if {
	count(serving.autoscalers(index)) == 0
} else := {{"problem": problem, "doubt": {}} | some problem in several(index)} if {
	count(serving.autoscalers(index)) > 1
	not told_there(index)
} else := {found |
	some scaler in serving.autoscalers(index)
	not scaler.kind in elsewhere
	some problem in broken(scaler)
	found := {"problem": object.union(problem, {"detail": {"autoscaler": called(scaler)}}), "doubt": {}}
}

# The kinds that the invariants `as-*` judge.
elsewhere := {"HorizontalPodAutoscaler", "ScaledObject"}

# Of two that are objects of their own, one of those kinds, as-conflict tells.
told_there(index) if {
	objects := [scaler.kind | some scaler in serving.autoscalers(index); not scaler.own]
	count(objects) > 1
	some kind in objects
	kind in elsewhere
}

# The head of a Ray cluster is one.
head(pod) if {
	input.workload.group == "ray.io"
	not pod.scale
}

several(index) := {{
	"check": "several",
	"detail": {"autoscalers": sort([called(scaler) | some scaler in serving.autoscalers(index)])},
}}

called(scaler) := concat(" ", [scaler.kind, scaler.name])
