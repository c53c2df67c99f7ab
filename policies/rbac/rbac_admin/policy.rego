# METADATA
# title: A binding makes somebody an administrator of everything
# description: |-
#   A ClusterRoleBinding to `cluster-admin` gives every right on every object of the cluster; a
#   RoleBinding gives all of its namespace, Secrets and roles included. It is the quickest way to
#   make a failing chart work, and it stays. Bound to a ServiceAccount, it is one `kubectl exec`
#   or one remote code execution in a model server away from anybody. A role under another name
#   whose rules come to the same counts as well. Named is each subject, so that one more of them
#   is a new finding.
# related_resources:
# - ref: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
#   description: Using RBAC authorization
# - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   description: RBAC good practices
# custom:
#   id: KARB-RBAC-004
#   severity: error
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [rbac.authorization.k8s.io/RoleBinding, rbac.authorization.k8s.io/ClusterRoleBinding]
#   params:
#     exempt:
#       type: array
#       items: {type: string, format: glob}
#       description: Names of roles and bindings that are not judged (globs).
#       default: ["system:*"]
#     subjects:
#       type: array
#       items: {type: string, format: glob}
#       description: Who may be an administrator, as `Group name`, `User name` or `ServiceAccount namespace/name` (globs).
#       default: ["Group system:masters"]
#   checks:
#     clusterAdmin: '{subject} becomes an administrator of {scope}: cluster-admin allows everything'
#     equivalent: '{subject} becomes an administrator of {scope}: {role} allows every verb on every resource'
#   remediation: |-
#     Bind a role that names what the subject does. To people who run the cluster, give it through a group
#     of your identity provider, and list that group in the parameter `subjects`:
#
#       params:
#         rbac-admin:
#           subjects: ["Group system:masters", "Group platform-admins"]
package karb.rbac.rbac_admin

import data.karb.lib.globs
import data.karb.lib.rbac

params := input.params["rbac-admin"]

violations contains v if {
	not rbac.exempt(params)
	some check in power
	some subject in unapproved
	v := {"check": check, "path": subject.path, "detail": {
		"subject": subject.text,
		"role": input.rbac.roleRef.text,
		"scope": scope,
	}}
}

violations contains v if {
	not rbac.exempt(params)
	count(power) == 0
	count(unapproved) > 0
	is_string(input.rbac.unresolved)
	v := {"check": "equivalent", "path": input.rbac.roleRef.path, "detail": {}, "unknown": input.rbac.unresolved}
}

cluster_admin if {
	input.rbac.roleRef.kind == "ClusterRole"
	input.rbac.roleRef.name == "cluster-admin"
}

power contains "clusterAdmin" if cluster_admin

power contains "equivalent" if {
	not cluster_admin
	some rule in input.rbac.rules
	count(rule.resourceNames) == 0
	every field in ["verbs", "apiGroups", "resources"] { "*" in rule[field] }
}

unapproved contains subject if {
	some subject in input.rbac.subjects
	not globs.any_of(params, "subjects", subject.text)
}

scope := "the whole cluster" if {
	input.rbac.clusterWide
} else := concat(" ", ["namespace", object.get(input.object, ["metadata", "namespace"], "(not set)")])
