# METADATA
# title: An autoscaling annotation is where Knative does not read it
# description: |-
#   Knative reads `autoscaling.knative.dev/*` from the revision's template. On the Service itself
#   they are without effect: the maximum that was to bound the cost, or the minimum that was to keep
#   one replica warm, is not there.
# related_resources:
# - ref: https://knative.dev/docs/serving/autoscaling/
#   description: Knative, autoscaling
# custom:
#   id: KARB-AS-017
#   severity: error
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - serving.knative.dev/Service
#   - serving.knative.dev/Configuration
#   checks:
#     place: '{annotation} has no effect on the {kind} itself; Knative reads it on the template'
#   remediation: |-
#     Move it to the template:
#
#       spec:
#         template:
#           metadata:
#             annotations:
#               autoscaling.knative.dev/max-scale: "4"
package karb.autoscaling.as_knative

violations contains {"check": "place", "path": ["metadata", "annotations", annotation], "detail": {"annotation": annotation, "kind": input.object.kind}} if {
	some annotation, _ in input.object.metadata.annotations
	startswith(annotation, "autoscaling.knative.dev/")
	not input.object.spec.template.metadata.annotations[annotation]
}
