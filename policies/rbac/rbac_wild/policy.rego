# METADATA
# title: A role grants everything, also what doesn't exist yet
# description: |-
#   `*` in a rule is no list: it grants verbs, resources and API groups that are added next year,
#   by an operator that isn't installed yet. On verbs it includes escalate, bind and impersonate;
#   on resources it includes Secrets and every subresource. A model server with such a role turns
#   one prompt injection or one unpickled model into the whole cluster. Aggregation and bindings
#   hide it: a ClusterRole that reads harmless gets the rules of whatever carries the selected
#   label, and a binding to `system:serviceaccounts` gives a role to every pod. Judged is what the
#   rules come to: own rules, aggregated ones, and bindings of Kubernetes' own roles or to a
#   crowd.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   description: RBAC good practices
# - ref: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
#   description: Using RBAC authorization
# custom:
#   id: KARB-RBAC-001
#   severity: error
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [rbac.authorization.k8s.io/Role, rbac.authorization.k8s.io/ClusterRole, rbac.authorization.k8s.io/RoleBinding, rbac.authorization.k8s.io/ClusterRoleBinding]
#   params:
#     exempt:
#       type: array
#       items: {type: string, format: glob}
#       description: Names of roles and bindings that are not judged (globs).
#       default: ["system:*"]
#     subresources:
#       type: array
#       items: {type: string}
#       description: Subresources that may be granted on every resource, as `*/scale` for an autoscaler.
#       default: [scale]
#   checks:
#     rule: 'the rule grants {what}, also those that are added later'
#     aggregated: 'the selector brings in {role}, which grants {what}'
#     bound: '{role} grants {what}, and is bound to {subjects}'
#   remediation: |-
#     Name what the workload calls, which its logs or the API server's audit log tell:
#
#       rules:
#         - apiGroups: [serving.kserve.io]
#           resources: [inferenceservices]
#           verbs: [get, list, watch]
#
#     For an aggregated ClusterRole, mend the role that is brought in, or select it no longer. For a
#     binding, bind a role of your own to the ServiceAccount that needs it, not to a group of all.
package karb.rbac.rbac_wild

import data.karb.lib.rbac

params := input.params["rbac-wild"]

violations := rbac.answers(params, found)

found contains hit("verbs", rule, i, "every verb") if {
	some rule in input.rbac.rules
	some i, "*" in rule.verbs
}

found contains hit("apiGroups", rule, i, "every API group") if {
	some rule in input.rbac.rules
	some i, "*" in rule.apiGroups
	not only_subresources(rule)
}

found contains hit("resources", rule, i, "every resource") if {
	some rule in input.rbac.rules
	some i, "*" in rule.resources
}

found contains hit("resources", rule, i, concat("", [substring(resource, 2, -1), " of every resource"])) if {
	some rule in input.rbac.rules
	some i, resource in rule.resources
	startswith(resource, "*/")
	not permitted(resource)
}

found contains hit("nonResourceURLs", rule, i, "every URL") if {
	input.rbac.clusterWide
	some rule in input.rbac.rules
	some i, url in rule.nonResourceURLs
	url in {"*", "/*"}
}

hit(field, rule, i, what) := {"rule": rule, "field": [field, i], "what": [what]}

only_subresources(rule) if {
	count(rule.resources) > 0
	every resource in rule.resources { permitted(resource) }
}

permitted(resource) if {
	startswith(resource, "*/")
	substring(resource, 2, -1) in params.subresources
}
