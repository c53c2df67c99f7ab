# METADATA
# title: A metric is divided by the replicas that must not be, or is not that must be
# description: |-
#   AverageValue divides what an Object or External metric says by the replicas. For a queue's total
#   that is right: eight waiting requests for each replica. For a latency, a ratio or a percentage
#   it is wrong: with four replicas 2 s become 0.5 s, the service looks well, and the more it scales
#   the better it looks. `Value` multiplies the running replicas by value/target instead: right for
#   a latency, and for a queue's total a runaway, since more replicas don't make the ratio smaller
#   until the queue is. A query that is a mean over the pods, as `avg(...)` and `sum(...) / count(...)`
#   are, is divided once already, so that `Value` is right for it too. A ScaledObject's triggers are AverageValue unless they say otherwise.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
#   description: Horizontal Pod Autoscaling
# custom:
#   id: KARB-AS-007
#   severity: error
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - autoscaling/HorizontalPodAutoscaler
#   - keda.sh/ScaledObject
#   checks:
#     ratio: '{signal} is no total: as AverageValue it is divided by the replicas'
#     mean: '{signal} is a mean already: as AverageValue it is divided by the replicas again'
#     total: '{signal} is a total: as Value it multiplies the replicas that run'
#   remediation: |-
#     For a latency or a ratio, in a ScaledObject:
#
#       triggers:
#       - type: prometheus
#         metricType: Value
#
#     and for a queue's total AverageValue (the default). In an HPA `target.type` says the same.
package karb.autoscaling.as_average

import data.karb.lib.scaling

violations contains {"check": "ratio", "path": signal.path, "detail": {"signal": signal.shown}} if {
	some signal in external
	signal.average
	scaling.ratio(signal)
}

violations contains {"check": "mean", "path": signal.path, "detail": {"signal": signal.shown}} if {
	some signal in external
	signal.average
	scaling.mean(signal)
	not scaling.ratio(signal)
}

violations contains {"check": "total", "path": signal.path, "detail": {"signal": signal.shown}} if {
	some signal in external
	not signal.average
	scaling.total(signal)
}

# A Pods metric has no total; those of cpu and memory triggers are of pods too.
external := [signal | some signal in scaling.signals; not signal.pods]
