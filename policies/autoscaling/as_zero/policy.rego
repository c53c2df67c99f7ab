# METADATA
# title: An autoscaler scales to zero and can't come back, or can't go there
# description: |-
#   At zero replicas there are no pods to measure: only an Object or External metric wakes an HPA,
#   and only a trigger from outside of the pods a ScaledObject. A query for what the model servers
#   themselves report answers nothing once the last of them is gone, so that the service sleeps for
#   ever. An HPA with a Resource metric beside another one gets an error from it at zero and holds.
#   Any `idleReplicaCount` but zero is ignored by KEDA. And an HPA goes to zero only where the
#   feature gate HPAScaleToZero is on (by default since Kubernetes 1.37).
# related_resources:
# - ref: https://keda.sh/docs/latest/reference/scaledobject-spec/
#   description: KEDA, ScaledObject specification
# custom:
#   id: KARB-AS-010
#   severity: error
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - autoscaling/HorizontalPodAutoscaler
#   - keda.sh/ScaledObject
#   params:
#     scaleToZero:
#       type: boolean
#       description: Whether the feature gate HPAScaleToZero is on in your clusters (by default since Kubernetes 1.37).
#       default: true
#     ownMetrics:
#       type: array
#       items: {type: string, minLength: 1}
#       description: How names of metrics begin that only running model servers report.
#       default: ["vllm:", "vllm_", "sglang:", "sglang_", tgi_, nv_inference_, nv_trt_, triton_, "dcgm_fi_", container_]
#   checks:
#     gate: 'a minimum of 0 needs the feature gate HPAScaleToZero, which is off'
#     metric: 'a minimum of 0 needs an Object or External metric; those of pods end with the last pod'
#     resource: 'at zero replicas the {resource} metric is an error, and the HPA holds'
#     trigger: 'a minimum of 0 needs a trigger from outside of the pods; cpu and memory are measured in pods'
#     own: 'all triggers ask for what the scaled pods themselves report ({signal}): at zero nothing answers'
#     idle: 'idleReplicaCount must be 0; KEDA ignores {idle}'
#   remediation: |-
#     Wake on what is there without the pods: the router's or the queue's own count.
#
#       triggers:
#       - type: prometheus
#         metadata:
#           query: sum(envoy_cluster_upstream_rq_pending_active{envoy_cluster_name="llm"})
#
#     or keep one replica: `minReplicaCount: 1`.
package karb.autoscaling.as_zero

import data.karb.lib.scaling

params := input.params["as-zero"]

entry := input.autoscaler

hpa_zero if {
	entry.kind == "HorizontalPodAutoscaler"
	entry.min == 0
}

keda_zero if {
	entry.kind == "ScaledObject"
	0 in {entry.min, entry.idle}
	count(entry.triggers) > 0
}

violations contains {"check": "gate", "path": ["spec", "minReplicas"], "detail": {}} if {
	hpa_zero
	not params.scaleToZero
}

outside := [metric | some metric in entry.metrics; metric.type in {"Object", "External"}]

violations contains {"check": "metric", "path": ["spec", "minReplicas"], "detail": {}} if {
	hpa_zero
	count(outside) == 0
}

violations contains {"check": "resource", "path": metric.path, "detail": {"resource": metric.name}} if {
	hpa_zero
	count(outside) > 0
	some metric in entry.metrics
	metric.type in {"Resource", "ContainerResource"}
}

violations contains {"check": "trigger", "path": ["spec", "triggers"], "detail": {}} if {
	keda_zero
	every trigger in entry.triggers {
		trigger.type in {"cpu", "memory"}
	}
}

violations contains {"check": "own", "path": scaling.signals[0].path, "detail": {"signal": scaling.signals[0].shown}} if {
	keda_zero
	every signal in scaling.signals {
		own(signal)
	}
}

own(signal) if {
	signal.of in {"prometheus", "metrics-api"}
	some start in params.ownMetrics
	contains(signal.text, start)
}

violations contains {"check": "idle", "path": ["spec", "idleReplicaCount"], "detail": {"idle": entry.idle}} if {
	is_number(entry.idle)
	entry.idle != 0
}
