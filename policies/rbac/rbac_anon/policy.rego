# METADATA
# title: A binding gives rights to callers without credentials
# description: |-
#   A request without a token or certificate is the user `system:anonymous` in the group
#   `system:unauthenticated`. Rights bound to them belong to everybody who reaches the API server:
#   each pod of each tenant, and often the internet. Clusters have been taken over through nothing
#   else. Kubernetes itself binds only health and version endpoints to them.
# related_resources:
# - ref: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests
#   description: Anonymous requests
# - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   description: RBAC good practices
# custom:
#   id: KARB-RBAC-005
#   severity: error
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [rbac.authorization.k8s.io/RoleBinding, rbac.authorization.k8s.io/ClusterRoleBinding]
#   params:
#     subjects:
#       type: array
#       items: {type: string}
#       description: Subjects that stand for everybody, as `Group name` or `User name`; add `Group system:authenticated` where anybody can get an account.
#       default: ["Group system:unauthenticated", "User system:anonymous"]
#     roles:
#       type: array
#       items: {type: string}
#       description: Names of roles that may be given to everybody.
#       default: ["system:public-info-viewer", "kubeadm:bootstrap-signer-clusterinfo"]
#   checks:
#     bound: '{role} is bound to {subject}, which is everybody who reaches the API server'
#   remediation: |-
#     Remove the subject, and bind the role to the ServiceAccount or group that needs it. Probes and load
#     balancers need no binding: `/livez` and `/readyz` are open through `system:public-info-viewer`.
package karb.rbac.rbac_anon

params := input.params["rbac-anon"]

violations contains v if {
	not input.rbac.roleRef.name in params.roles
	some subject in input.rbac.subjects
	subject.text in params.subjects
	v := {"check": "bound", "path": subject.path, "detail": {
		"role": input.rbac.roleRef.text,
		"subject": subject.text,
	}}
}
