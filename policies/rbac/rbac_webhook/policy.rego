# METADATA
# title: A role changes what admission control checks
# description: |-
#   Whoever may write webhook configurations or admission policies decides what the API server
#   lets through: they can switch every check off, this one too, or register a webhook of their
#   own that sees each Secret as it is written and puts a container into each pod. The right is
#   that of a cluster administrator, and it hides in the roles of operators that install a webhook
#   for themselves.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   description: RBAC good practices
# - ref: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
#   description: Dynamic admission control
# - ref: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
#   description: Validating admission policies
# custom:
#   id: KARB-RBAC-008
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
#   checks:
#     rule: 'the rule allows to change {what}: what admission control checks'
#     aggregated: 'the selector brings in {role}, which allows to change {what}'
#     bound: '{role} allows {subjects} to change {what}'
#   remediation: |-
#     Let the installation (a pipeline, an administrator) create the configuration, and name the one whose
#     certificate the operator renews:
#
#       rules:
#         - apiGroups: [admissionregistration.k8s.io]
#           resources: [validatingwebhookconfigurations]
#           resourceNames: [model-operator]
#           verbs: [get, update, patch]
package karb.rbac.rbac_webhook

import data.karb.lib.rbac

params := input.params["rbac-webhook"]

violations := rbac.answers(params, found)

checks := [
	"validatingwebhookconfigurations",
	"mutatingwebhookconfigurations",
	"validatingadmissionpolicies",
	"validatingadmissionpolicybindings",
	"mutatingadmissionpolicies",
	"mutatingadmissionpolicybindings",
]

found contains {"rule": rule, "field": ["resources", i], "what": sort(what)} if {
	input.rbac.clusterWide
	some rule in input.rbac.rules
	count(rule.resourceNames) == 0
	rbac.has_group(rule, "admissionregistration.k8s.io")
	writes(rule)
	some i, entry in rule.resources
	what := {resource | some resource in checks; rbac.covers(entry, resource)}
	count(what) > 0
}

writes(rule) if {
	some verb in ["create", "update", "patch", "delete", "deletecollection"]
	rbac.has_verb(rule, verb)
}
