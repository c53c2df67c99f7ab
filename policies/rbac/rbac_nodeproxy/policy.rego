# METADATA
# title: A role talks to kubelets through the API server
# description: |-
#   `nodes/proxy` forwards requests to the kubelet, past admission control and past the audit of
#   what is done there. Even `get` is enough to run a command in any pod of any node: the
#   kubelet's exec endpoint opens a WebSocket, which is a GET. Monitoring roles carry it from old
#   examples, where it was meant for metrics; on GPU nodes it reaches every tenant's model at
#   once.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   description: RBAC good practices
# - ref: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/
#   description: Kubelet authentication and authorization
# custom:
#   id: KARB-RBAC-007
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
#     rule: 'the rule allows {what} on nodes/proxy, which runs commands in every pod of a node'
#     aggregated: 'the selector brings in {role}, which allows {what} on nodes/proxy'
#     bound: '{role} allows {what} on nodes/proxy to {subjects}'
#   remediation: |-
#     For metrics, ask for the kubelet's subresources of their own (Kubernetes 1.33 and newer tell
#     `nodes/metrics`, `nodes/stats`, `nodes/log`, `nodes/healthz`, `nodes/pods` and `nodes/configz` apart):
#
#       rules:
#         - apiGroups: [""]
#           resources: [nodes/metrics, nodes/stats]
#           verbs: [get]
package karb.rbac.rbac_nodeproxy

import data.karb.lib.rbac

params := input.params["rbac-nodeproxy"]

violations := rbac.answers(params, found)

found contains {"rule": rule, "field": ["resources", i], "what": sort(rule.verbs)} if {
	input.rbac.clusterWide
	some rule in input.rbac.rules
	count(rule.verbs) > 0
	rbac.has_group(rule, "")
	some i, entry in rule.resources
	rbac.covers(entry, "nodes/proxy")
}
