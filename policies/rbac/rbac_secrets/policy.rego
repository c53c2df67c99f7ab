# METADATA
# title: A role lists every Secret
# description: |-
#   `list` and `watch` return whole Secrets, contents included: a role that may list them reads
#   every token, registry password and TLS key of the namespace, or of the cluster. Among them are
#   long-lived ServiceAccount tokens, so that the holder is soon whoever has the most rights
#   there. A workload knows the names of the Secrets it needs and mounts them; nothing that serves
#   a model has to list.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   description: RBAC good practices
# - ref: https://kubernetes.io/docs/concepts/configuration/secret/#information-security-for-secrets
#   description: Information security for Secrets
# custom:
#   id: KARB-RBAC-003
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
#     verbs:
#       type: array
#       items: {type: string}
#       description: Verbs that nobody should hold on all Secrets; add get to be strict.
#       default: [list, watch]
#   checks:
#     rule: 'the rule allows {what} on Secrets, all of them with their contents'
#     aggregated: 'the selector brings in {role}, which allows {what} on Secrets, all of them'
#     bound: '{role} allows {what} on Secrets, all of them, to {subjects}'
#   remediation: |-
#     Mount the Secret, or allow to get it by name:
#
#       rules:
#         - apiGroups: [""]
#           resources: [secrets]
#           resourceNames: [model-registry-token]
#           verbs: [get]
#
#     A rule for `resources: ["*"]` in the core group covers Secrets too: name the resources.
package karb.rbac.rbac_secrets

import data.karb.lib.rbac

params := input.params["rbac-secrets"]

violations := rbac.answers(params, found)

# A named rule allows no list of others: `list` with names needs a field selector of that name.
found contains {"rule": rule, "field": ["resources", i], "what": sort(what)} if {
	some rule in input.rbac.rules
	count(rule.resourceNames) == 0
	rbac.has_group(rule, "")
	some i, entry in rule.resources
	rbac.covers(entry, "secrets")
	what := {verb | some verb in params.verbs; rbac.has_verb(rule, verb)}
	count(what) > 0
}
