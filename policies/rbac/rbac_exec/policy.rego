# METADATA
# title: A role runs commands in other pods
# description: |-
#   `pods/exec` and `pods/attach` give a shell in any pod of the namespace, with that pod's
#   mounted Secrets, its ServiceAccount and its GPUs; `pods/ephemeralcontainers` puts an image of
#   the holder's choice next to it. Whoever may exec into a model server reads prompts and weights
#   out of its memory. No review of images or of the pod template sees what was run. `get` counts
#   beside `create`: a WebSocket connection opens with a GET, and API servers before 1.35 ask for
#   no more.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   description: RBAC good practices
# - ref: https://kubernetes.io/docs/tasks/debug/debug-application/debug-running-pod/
#   description: Debug running pods
# custom:
#   id: KARB-RBAC-006
#   severity: warning
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
#   checks:
#     rule: 'the rule allows {what}: commands of the holder in any pod within reach'
#     aggregated: 'the selector brings in {role}, which allows {what}'
#     bound: '{role} allows {what} to {subjects}'
#   remediation: |-
#     Remove the subresource from roles that a workload or a pipeline holds. For people on call, keep it
#     in a Role of its own that is bound for the time of an incident, or name the pod (`resourceNames`).
#     `pods/log` and `pods/portforward` answer most questions.
package karb.rbac.rbac_exec

import data.karb.lib.rbac

params := input.params["rbac-exec"]

violations := rbac.answers(params, found)

ways := {
	"pods/exec": {"create", "get"},
	"pods/attach": {"create", "get"},
	"pods/ephemeralcontainers": {"update", "patch"},
}

found contains {"rule": rule, "field": ["resources", i], "what": sort(what)} if {
	some rule in input.rbac.rules
	count(rule.resourceNames) == 0
	rbac.has_group(rule, "")
	some i, entry in rule.resources
	what := {way | some way, verbs in ways; rbac.covers(entry, way); opens(rule, verbs)}
	count(what) > 0
}

opens(rule, verbs) if {
	some verb in verbs
	rbac.has_verb(rule, verb)
}
