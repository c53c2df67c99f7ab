# METADATA
# title: Two controllers scale one workload
# description: |-
#   Two autoscalers on one target overwrite each other every fifteen seconds; KEDA makes an HPA of
#   its own, so a ScaledObject beside an HPA is a pair already, unless it takes that one over. A pair
#   has one finding, at the one that came later, and at admission at the one that is written. A
#   VerticalPodAutoscaler that changes the requests which an HPA divides by moves the HPA's goal with
#   each of its changes; it sets cpu and memory of every container that it has no other policy for.
#   And an HPA counts the pods that its target's selector matches: when those of another scaled
#   workload match too, both averages are of both.
# related_resources:
# - ref: https://keda.sh/docs/latest/reference/scaledobject-spec/
#   description: KEDA, ScaledObject specification
# custom:
#   id: KARB-AS-002
#   severity: error
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - autoscaling/HorizontalPodAutoscaler
#   - keda.sh/ScaledObject
#   context: [scaletarget]
#   checks:
#     several: '{target} is scaled by {others} too; each undoes what the other does'
#     vertical: 'VerticalPodAutoscaler {vertical} sets the {resources} requests that this autoscaler divides by'
#     overlap: '{target} selects the pods of {others} too, so that this autoscaler counts and measures both'
#   remediation: |-
#     Keep one. With KEDA, delete the HPA: the ScaledObject makes one, and takes over an existing HPA
#     only by the annotation `scaledobject.keda.sh/transfer-hpa-ownership: "true"`. Restrict a
#     VerticalPodAutoscaler to the other resource:
#
#       spec:
#         resourcePolicy:
#           containerPolicies:
#           - containerName: "*"
#             controlledResources: [memory]
#
#     Give each workload a selector of its own (app.kubernetes.io/instance).
package karb.autoscaling.as_conflict

import data.karb.lib.scaling

at := ["spec", "scaleTargetRef"]

violations contains object.union(v, doubt) if {
	count(scaling.target.others) > 0
	v := {"check": "several", "path": at, "detail": {"others": scaling.target.others, "target": scaling.called}}
}

# Objects that name no namespace may be meant for two.
doubt := {"unknown": "these objects name no namespace, so they may never meet"} if {
	not input.object.metadata.namespace
} else := {}

violations contains {"check": "vertical", "path": at, "detail": {"vertical": each.name, "resources": shared}} if {
	some each in scaling.target.vertical
	shared := sort({resource | some resource in each.resources; some used in divided; used == resource})
	count(shared) > 0
}

divided := [metric.name |
	some metric in input.autoscaler.metrics
	metric.type in {"Resource", "ContainerResource"}
	is_number(metric.target.averageUtilization)
]

violations contains {"check": "overlap", "path": at, "detail": {"others": scaling.target.overlapping, "target": scaling.called}} if {
	count(scaling.target.overlapping) > 0
}

violations contains {"check": "several", "path": at, "detail": {"others": [], "target": "it"}, "unknown": "what else scales its target is not visible here"} if {
	not input.context.scaletarget
}
