# METADATA
# title: A GPU service has no autoscaler, several, or one that can't work
# description: |-
#   A service of a fixed size is too small at noon and too large at night, and idle GPUs are the most
#   expensive thing in the cluster. Two autoscalers on one target undo each other's work every few
#   seconds: replicas flap, and each flap costs a model load. And one that can't work looks like one
#   that does until the burst comes: an HPA on CPU utilisation reports an error for ever as soon as
#   one container has no CPU request, `nvidia.com/gpu` is no resource that the metrics API measures,
#   a paused ScaledObject has no HPA at all. Exactly one valid autoscaler is asked for: an HPA or a
#   ScaledObject (with the HPA that KEDA makes of it), or what the kind's operator runs (Knative,
#   KServe, Ray). Where a service is meant to have a fixed size, ignore the invariant for it, or set
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
#     paused: '{autoscaler} is paused by the annotation {annotation}, so nothing scales this workload'
#     empty: '{autoscaler} has no triggers'
#     resource: '{autoscaler} scales on the resource {resource}, which the metrics API does not measure; it knows cpu and memory'
#     container: '{autoscaler} scales on container {container}, which these pods do not have'
#     request: '{autoscaler} scales on {resource} utilisation, but container {container} requests no {resource}, so there is no utilisation to compute'
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
	some each in problems(index, pod)
	v := object.union({"path": serving.scale_path(pod), "detail": {}}, each.problem)
}

problems(index, pod) := {{"problem": {"check": "none"}, "doubt": serving.absence} | params.required} if {
	count(serving.autoscalers(index)) == 0
} else := {{"problem": problem, "doubt": {}} | some problem in several(index)} if {
	count(serving.autoscalers(index)) > 1
} else := {found |
	some scaler in serving.autoscalers(index)
	name := {"autoscaler": called(scaler)}
	some problem in (broken(scaler) | unmeasured(scaler, pod))
	found := {
		"problem": object.union(object.remove(problem, ["doubt"]), {"detail": name}),
		"doubt": object.get(problem, "doubt", {}),
	}
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
