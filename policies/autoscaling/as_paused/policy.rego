# METADATA
# title: A ScaledObject is paused
# description: |-
#   The annotations `autoscaling.keda.sh/paused` and `paused-replicas` delete the HPA and hold the
#   workload still (`paused-replicas` whatever its value, `paused` unless it is false);
#   `paused-scale-in` and `paused-scale-out` hold one direction. They are set during an incident and
#   forgotten: the next burst finds a service of fixed size that looks autoscaled.
# related_resources:
# - ref: https://keda.sh/docs/latest/concepts/scaling-deployments/#pausing-autoscaling
#   description: KEDA, pausing autoscaling
# custom:
#   id: KARB-AS-014
#   severity: warning
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - keda.sh/ScaledObject
#   checks:
#     paused: 'paused by the annotation {annotation}, so nothing scales'
#     held: 'held by the annotation {annotation}, so it scales in one direction alone'
#   remediation: |-
#     Remove the annotation:
#
#       kubectl annotate scaledobject llm autoscaling.keda.sh/paused-
package karb.autoscaling.as_paused

violations contains {"check": "paused", "path": ["metadata", "annotations", input.autoscaler.paused], "detail": {"annotation": input.autoscaler.paused}} if {
	is_string(input.autoscaler.paused)
}

violations contains {"check": "held", "path": ["metadata", "annotations", annotation], "detail": {"annotation": annotation}} if {
	some annotation in input.autoscaler.held
	not is_string(input.autoscaler.paused)
}
