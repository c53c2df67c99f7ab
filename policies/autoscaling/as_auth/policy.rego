# METADATA
# title: A trigger names a TriggerAuthentication that is not there
# description: |-
#   KEDA's webhook doesn't look at `authenticationRef`. A name that is not there (a typing error, an
#   object in another namespace, a TriggerAuthentication where a ClusterTriggerAuthentication is
#   meant) ends in an error at each poll: the HPA is not made, and the workload keeps the size it
#   has.
#   What is missing is only reported where the others of its namespace are there.
# related_resources:
# - ref: https://keda.sh/docs/latest/concepts/authentication/
#   description: KEDA, authentication
# custom:
#   id: KARB-AS-018
#   severity: error
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - keda.sh/ScaledObject
#   context: [triggerauths]
#   checks:
#     missing: '{kind} {name} is not there, so this trigger cannot ask'
#   remediation: |-
#     Create it beside the ScaledObject, or name the kind that it has:
#
#       triggers:
#       - type: prometheus
#         authenticationRef:
#           name: prometheus
#           kind: ClusterTriggerAuthentication
package karb.autoscaling.as_auth

violations contains {"check": "missing", "path": each.path, "detail": {"kind": each.kind, "name": each.name}} if {
	some each in input.context.triggerauths
	each.found == false
}

violations contains {"check": "missing", "path": each.path, "detail": {"kind": each.kind, "name": each.name}, "unknown": unseen} if {
	some each in input.context.triggerauths
	each.found == null
}

violations contains {"check": "missing", "path": trigger.path, "detail": {"kind": "", "name": trigger.auth}, "unknown": unseen} if {
	not input.context.triggerauths
	some trigger in input.autoscaler.triggers
	is_string(trigger.auth)
}

unseen := "the TriggerAuthentications of the namespace are not visible here"
