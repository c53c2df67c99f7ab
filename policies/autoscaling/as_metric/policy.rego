# METADATA
# title: An autoscaler has a metric that cannot work
# description: |-
#   The API server accepts these and the controller then reports an error for ever, in a condition
#   that nobody reads: a `Resource` metric of anything but cpu and memory (the metrics API measures
#   no `nvidia.com/gpu`), an Object metric whose target type and field differ, a metric whose type
#   has no field of its own.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
#   description: Horizontal Pod Autoscaling
# custom:
#   id: KARB-AS-004
#   severity: error
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - autoscaling/HorizontalPodAutoscaler
#   checks:
#     resource: 'metric {metric} is no resource that the metrics API measures; it knows cpu and memory'
#     shape: 'metric {metric} has target type {type}, but gives {field}: the controller reports an error and does not scale'
#     source: 'metric of type {type} has no field {field}'
#   remediation: |-
#     Scale on what the server waits for, as a Pods metric through an adapter, or with KEDA:
#
#       metrics:
#       - type: Pods
#         pods:
#           metric: {name: vllm_num_requests_waiting}
#           target: {type: AverageValue, averageValue: "8"}
package karb.autoscaling.as_metric

violations contains {"check": "resource", "path": array.concat(metric.path, [metric.source, "name"]), "detail": {"metric": metric.name}} if {
	some metric in input.autoscaler.metrics
	metric.type in {"Resource", "ContainerResource"}
	is_string(metric.name)
	not metric.name in {"cpu", "memory"}
}

violations contains {"check": "shape", "path": array.concat(metric.path, [metric.source, "target"]), "detail": {"metric": metric.name, "type": metric.target.type, "field": field}} if {
	some metric in input.autoscaler.metrics
	metric.type == "Object"
	some type, field in {"Value": "averageValue", "AverageValue": "value"}
	metric.target.type == type
	is_number(metric.target[field])
}

violations contains {"check": "source", "path": metric.path, "detail": {"type": metric.type, "field": metric.source}} if {
	some metric in input.autoscaler.metrics
	is_string(metric.source)

	# autoscaling/v1 has none of these fields: its metrics stand elsewhere.
	array.slice(metric.path, 0, 2) == ["spec", "metrics"]
	not object.get(input.object, array.concat(metric.path, [metric.source]), false)
	input.autoscaler.written
}
