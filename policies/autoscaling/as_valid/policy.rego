# METADATA
# title: An autoscaler is refused when it is applied
# description: |-
#   The API server refuses an HPA whose minimum is above its maximum, and KEDA's webhook such a
#   ScaledObject, and one whose idle count is not below its minimum (an unset minimum is 0, and a
#   minimum that is set counts as 1 at least). KEDA's webhook is not installed everywhere and is
#   passed by when it is away: then the controller refuses, in an event that nobody reads.
# related_resources:
# - ref: https://keda.sh/docs/latest/concepts/admission-webhooks/
#   description: KEDA, admission webhooks
# custom:
#   id: KARB-AS-021
#   severity: error
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - autoscaling/HorizontalPodAutoscaler
#   - keda.sh/ScaledObject
#   checks:
#     inverted: 'the minimum {min} is above the maximum {max}'
#     idle: 'idleReplicaCount {idle} is not below the minimum {min}'
#   remediation: |-
#     Order the bounds:
#
#       spec:
#         idleReplicaCount: 0
#         minReplicaCount: 1
#         maxReplicaCount: 4
package karb.autoscaling.as_valid

entry := input.autoscaler

field := {"HorizontalPodAutoscaler": "minReplicas", "ScaledObject": "minReplicaCount"}[entry.kind]

violations contains {"check": "inverted", "path": ["spec", field], "detail": {"min": entry.min, "max": entry.max}} if {
	is_number(entry.max)
	entry.min > entry.max
}

violations contains {"check": "idle", "path": ["spec", "idleReplicaCount"], "detail": {"idle": entry.idle, "min": least}} if {
	is_number(entry.idle)
	entry.idle >= least
}

# CheckReplicaCountBoundsAreValid
least := max([1, entry.min]) if {
	is_number(input.object.spec.minReplicaCount)
} else := 0
