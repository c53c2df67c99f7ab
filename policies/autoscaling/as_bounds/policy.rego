# METADATA
# title: An autoscaler's bounds leave it nothing to do, or too much
# description: |-
#   With a minimum that equals the maximum nothing scales and every burst is lost. Without a
#   `maxReplicaCount` KEDA takes 100, which no GPU pool has: a stuck queue asks for all of them. And a
#   `cooldownPeriod` counts only on the way to zero: with a minimum of one or more it slows nothing.
# related_resources:
# - ref: https://keda.sh/docs/latest/reference/scaledobject-spec/
#   description: KEDA, ScaledObject specification
# custom:
#   id: KARB-AS-009
#   severity: warning
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - autoscaling/HorizontalPodAutoscaler
#   - keda.sh/ScaledObject
#   checks:
#     fixed: 'minimum and maximum are both {max}, so nothing scales'
#     unset: 'maxReplicaCount is not set, so KEDA takes 100'
#     cooldown: 'cooldownPeriod counts only on the way to zero, and the minimum is {min}'
#   remediation: |-
#     Set both bounds, the upper one to what the GPU pool has:
#
#       spec:
#         minReplicaCount: 1
#         maxReplicaCount: 4
#
#     To slow the way down, use
#     `advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds`.
package karb.autoscaling.as_bounds

entry := input.autoscaler

keda if entry.kind == "ScaledObject"

highest := {"HorizontalPodAutoscaler": "maxReplicas", "ScaledObject": "maxReplicaCount"}[entry.kind]

violations contains {"check": "fixed", "path": ["spec", highest], "detail": {"max": entry.max}} if {
	entry.min == entry.max
	entry.max > 0
}

violations contains {"check": "unset", "path": ["spec", "maxReplicaCount"], "detail": {}} if {
	keda
	not input.object.spec.maxReplicaCount
}

violations contains {"check": "cooldown", "path": ["spec", "cooldownPeriod"], "detail": {"min": entry.min}} if {
	keda
	input.object.spec.cooldownPeriod
	entry.min >= 1
	not is_number(entry.idle)
}
