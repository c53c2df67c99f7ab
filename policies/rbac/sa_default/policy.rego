# METADATA
# title: A pod runs as the default ServiceAccount
# description: |-
#   Every pod that names no ServiceAccount shares the one called `default`. Rights can't be told
#   apart any more: the day somebody binds a role to it for one of them (a sidecar that reads
#   ConfigMaps, a tutorial's `kubectl create rolebinding`), every pod of the namespace has it, the
#   model server that runs downloaded code included. Image pull secrets, cloud identities
#   (IRSA, Workload Identity) and the audit log know only the account, too.
#   An account of its own costs three lines and starts without any right.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/service-accounts/
#   description: Service accounts
# - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   description: RBAC good practices
# custom:
#   id: KARB-RBAC-010
#   severity: warning
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [pods]
#   demanding: true
#   checks:
#     default: 'the pod runs as ServiceAccount "default", which it shares with every pod of the namespace that names none'
#   remediation: |-
#     Make one for the workload and name it in the pod template:
#
#       apiVersion: v1
#       kind: ServiceAccount
#       metadata:
#         name: llm
#       automountServiceAccountToken: false
#       ---
#       spec:
#         serviceAccountName: llm
package karb.rbac.sa_default

import data.karb.lib.accounts

params := input.params["sa-default"]

violations contains object.union(v, accounts.doubt(pod)) if {
	some pod in accounts.chosen
	accounts.name(pod) == "default"
	v := {"check": "default", "path": array.concat(pod.path, ["serviceAccountName"]), "detail": {}}
}
