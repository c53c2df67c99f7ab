# METADATA
# title: Two metrics servers want one API group
# description: |-
#   An API group has one APIService of each version, and that one Service: whoever is installed last
#   (KEDA, prometheus-adapter, a vendor's cluster agent) takes `external.metrics.k8s.io` from the one
#   before, and every autoscaler that reads the other's metrics stops working, in another namespace
#   and another team. The HPAs that KEDA makes need KEDA to answer.
# related_resources:
# - ref: https://keda.sh/docs/latest/operate/metrics-server/
#   description: KEDA, metrics server
# custom:
#   id: KARB-AS-020
#   severity: error
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - apiregistration.k8s.io/APIService
#   context: [apiowners]
#   params:
#     keda:
#       type: array
#       items: {type: string, format: glob, minLength: 1}
#       description: How the Services of KEDA's metrics server are called, as namespace/name (shell globs).
#       default: ["*keda*"]
#   checks:
#     twice: 'hands {group} to {service}, and another APIService of the same name to {others}'
#     keda: '{service} serves {group}, but KEDA must for its ScaledObjects ({scaledobjects})'
#   remediation: |-
#     Let one serve the group. Beside KEDA, switch the external part of the other adapter off (for
#     prometheus-adapter `rules.external: []`) and read its metrics by ScaledObjects.
package karb.autoscaling.as_owners

import data.karb.lib.globs

context := input.context.apiowners

at := ["spec", "service", "name"]

violations contains {"check": "twice", "path": at, "detail": {"group": context.group, "service": context.service, "others": context.others}} if {
	count(context.others) > 0
	is_string(context.service)
}

violations contains {"check": "keda", "path": at, "detail": {"group": context.group, "service": context.service, "scaledobjects": context.scaledobjects}} if {
	context.group == "external.metrics.k8s.io"
	count(context.scaledobjects) > 0
	is_string(context.service)
	not globs.any_match(input.params["as-owners"].keda, context.service)
	count(context.others) == 0
}

violations contains {"check": "twice", "path": at, "detail": {}, "unknown": why} if {
	not input.context.apiowners
	endswith(input.object.spec.group, "metrics.k8s.io")
	why := "the other APIServices are not visible here"
}
