# METADATA
# title: A role lets its holder take more rights than it has
# description: |-
#   The API server stops people from granting what they don't hold, with three exceptions:
#   `escalate` (write any rules into a role), `bind` (give out a role with more rights than one's
#   own) and `impersonate` (act as another user, group or ServiceAccount). Whoever holds one of
#   them holds everything that can be reached with it, while the role reads like a small one and
#   no review of bindings shows it. Named targets are fine for bind and impersonate
#   (`resourceNames`), as long as the names aren't powerful themselves; escalate on a named role
#   still lets its holder rewrite it.
# related_resources:
# - ref: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
#   description: Privilege escalation prevention and bootstrapping
# - ref: https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/
#   description: User impersonation
# custom:
#   id: KARB-RBAC-002
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
#     delegated:
#       type: array
#       items: {type: string}
#       description: Kubernetes' own ClusterRoles that a RoleBinding may give to chosen subjects.
#       default: [admin, edit]
#     powerful:
#       type: array
#       items: {type: string, format: glob}
#       description: Roles, users and groups that may not be bound or impersonated by name either (globs).
#       default: [cluster-admin, "system:*"]
#   checks:
#     rule: 'the rule allows its holder to {what}: more rights than the role shows'
#     aggregated: 'the selector brings in {role}, which allows its holders to {what}'
#     bound: '{role} allows {subjects} to {what}'
#   remediation: |-
#     Remove the verb. Where a controller must hand out roles or act for others, name the targets:
#
#       rules:
#         - apiGroups: [rbac.authorization.k8s.io]
#           resources: [clusterroles]
#           verbs: [bind]
#           resourceNames: [model-viewer]
#
#     Instead of `escalate`, give the controller the rights that it hands out.
package karb.rbac.rbac_escalate

import data.karb.lib.globs
import data.karb.lib.rbac

params := input.params["rbac-escalate"]

violations := rbac.answers(params, found)

# The verb is checked with the namespace of the request: for `bind` that of the binding, for
# `escalate` that of the role; users and groups have none.
powers := [
	{"verb": "escalate", "group": "rbac.authorization.k8s.io", "resource": "roles", "namespaced": true},
	{"verb": "escalate", "group": "rbac.authorization.k8s.io", "resource": "clusterroles", "namespaced": false},
	{"verb": "bind", "group": "rbac.authorization.k8s.io", "resource": "roles", "namespaced": true},
	{"verb": "bind", "group": "rbac.authorization.k8s.io", "resource": "clusterroles", "namespaced": true},
	{"verb": "impersonate", "group": "", "resource": "serviceaccounts", "namespaced": true},
	{"verb": "impersonate", "group": "", "resource": "users", "namespaced": false},
	{"verb": "impersonate", "group": "", "resource": "groups", "namespaced": false},
]

found contains {"rule": rule, "field": ["verbs", i], "what": sort(what)} if {
	some rule in input.rbac.rules
	some i, verb in rule.verbs
	what := {concat(" ", [power.verb, power.resource]) | some power in powers; gives(rule, verb, power)}
	count(what) > 0
}

gives(rule, verb, power) if {
	verb in {"*", power.verb}
	rbac.reaches(power.namespaced)
	rbac.has_group(rule, power.group)
	some entry in rule.resources
	rbac.covers(entry, power.resource)
	unbounded(rule, power.verb)
}

unbounded(rule, _) if count(rule.resourceNames) == 0

unbounded(_, "escalate")

unbounded(rule, _) if {
	some name in rule.resourceNames
	globs.any_of(params, "powerful", name)
}
