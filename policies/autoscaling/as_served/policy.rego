# METADATA
# title: Nothing serves the metric that an autoscaler reads
# description: |-
#   An HPA doesn't measure: it asks one of three API groups, each of which one Service answers for.
#   `metrics.k8s.io` (metrics-server) has cpu and memory, `custom.metrics.k8s.io` (an adapter) Pods
#   and Object metrics, `external.metrics.k8s.io` External ones. Where nobody answers, or KEDA's
#   metrics server is asked for a metric that is not of a ScaledObject, the HPA holds its size and
#   says so in a condition that nobody reads. That condition, as the controller wrote it last, is
#   reported too.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#support-for-metrics-apis
#   description: Support for metrics APIs
# custom:
#   id: KARB-AS-019
#   severity: error
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - autoscaling/HorizontalPodAutoscaler
#   - keda.sh/ScaledObject
#   context: [metricsapis]
#   params:
#     keda:
#       type: array
#       items: {type: string, format: glob, minLength: 1}
#       description: How the Services of KEDA's metrics server are called, as namespace/name (shell globs).
#       default: ["*keda*"]
#   checks:
#     missing: 'nothing serves {api}, which this autoscaler reads'
#     unavailable: 'APIService of {api} is not available: {problem}'
#     keda: 'KEDA ({service}) serves external.metrics.k8s.io, and only for its ScaledObjects: it does not know {metrics}'
#     failing: 'the controller reports {reason}: {message}'
#   remediation: |-
#     Install what serves the group (metrics-server, an adapter such as prometheus-adapter, KEDA), or
#     read the metric by a ScaledObject. What is served is shown by
#
#       kubectl get apiservices | grep metrics.k8s.io
#       kubectl get --raw /apis/external.metrics.k8s.io/v1beta1
package karb.autoscaling.as_served

import data.karb.lib.globs

context := input.context.metricsapis

apis := context.apis

pods := {"cpu", "memory"}

needed contains group if {
	some metric in input.autoscaler.metrics
	group := {
		"Resource": "metrics.k8s.io", "ContainerResource": "metrics.k8s.io",
		"Pods": "custom.metrics.k8s.io", "Object": "custom.metrics.k8s.io",
		"External": "external.metrics.k8s.io",
	}[metric.type]
}

needed contains "metrics.k8s.io" if {
	some trigger in input.autoscaler.triggers
	trigger.type in pods
}

needed contains "external.metrics.k8s.io" if {
	some trigger in input.autoscaler.triggers
	not trigger.type in pods
}

silent contains {"check": "missing", "path": ["spec"], "detail": {"api": group}} if {
	some group in needed
	apis[group].service == null
	apis[group].problem == null
}

silent contains {"check": "unavailable", "path": ["spec"], "detail": {"api": group, "problem": apis[group].problem}} if {
	some group in needed
	is_string(apis[group].problem)
}

silent contains {"check": "keda", "path": ["spec", "metrics"], "detail": {"metrics": context.external, "service": service}} if {
	count(context.external) > 0
	service := apis["external.metrics.k8s.io"].service
	globs.any_match(input.params["as-served"].keda, service)
}

violations contains each if some each in silent

violations contains {"check": "failing", "path": ["spec"], "detail": context.condition} if {
	is_object(context.condition)
	count(silent) == 0
}

violations contains {"check": "missing", "path": ["spec"], "detail": {"api": group}, "unknown": why} if {
	some group in needed
	not context.condition
	not object.get(input.context, ["metricsapis", "apis", group], false)
	why := "what serves metrics is not visible here"
}
