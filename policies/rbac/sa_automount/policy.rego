# METADATA
# title: A pod is given a ServiceAccount token that nobody needs
# description: |-
#   Kubernetes mounts a token for its API into every container unless told not to. A model server
#   talks to clients and to its model store; it has no business with the API server. Whoever gets
#   code to run in it (a pickled model, a custom tokenizer, a hole in an image decoder) finds the token at a
#   known path, and with it can ask what the account may do, everywhere the API server answers. A
#   right that is granted later, to this account or to all, is theirs at once.
#   A token counts as needed where a binding names the ServiceAccount, and where the parameter
#   `needed` lists it. A token that the pod mounts by itself (a projected volume with an audience,
#   for Vault or a cloud) is another matter and always fine.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#opt-out-of-api-credential-automounting
#   description: Opt out of API credential automounting
# - ref: https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken
#   description: Projected volumes with a token for one audience
# custom:
#   id: KARB-RBAC-011
#   severity: warning
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [pods]
#   context: [serviceaccounts]
#   demanding: true
#   params:
#     needed:
#       type: array
#       items: {type: string, format: glob}
#       description: Names of ServiceAccounts whose pods talk to the API server with rights that no binding here shows (globs).
#       default: []
#   checks:
#     mounted: 'the token of ServiceAccount {account} is mounted ({why}), and no binding here names the account'
#   remediation: |-
#     Switch it off for the pod, or for every pod of the account:
#
#       spec:
#         automountServiceAccountToken: false
#
#     A pod that needs the API: bind a Role to its account. One that needs a token for something else:
#
#       volumes:
#       - name: vault-token
#         projected:
#           sources:
#           - serviceAccountToken: {audience: vault, path: token, expirationSeconds: 3600}
package karb.rbac.sa_automount

import data.karb.lib.accounts
import data.karb.lib.globs
import data.karb.lib.pods

params := input.params["sa-automount"]

violations contains object.union(v, doubt) if {
	not pods.injected("token")
	some pod in accounts.chosen
	account := accounts.name(pod)
	why := reason(pod, account)
	not needless(pod, account)
	doubt := object.union(accounts.doubt(pod), unseen(account))
	v := {
		"check": "mounted",
		"path": array.concat(pod.path, ["automountServiceAccountToken"]),
		"detail": {"account": account, "why": why},
	}
}

# Why a token is mounted; undefined where none is.
reason(pod, _) := "automountServiceAccountToken is true" if {
	pod.spec.automountServiceAccountToken == true
} else := "automountServiceAccountToken is not set" if {
	not switched_off(pod)
} else := "the API server has added it" if {
	added(pod)
}

# The pod's own field wins over the account's.
switched_off(pod) if pod.spec.automountServiceAccountToken == false

switched_off(pod) if {
	not pod.spec.automountServiceAccountToken
	input.context.serviceaccounts[accounts.name(pod)].automount == false
}

directory := "/var/run/secrets/kubernetes.io/serviceaccount"

# The volume of the admission plugin, in a pod that went through it.
added(pod) if {
	some container in pod.containers
	some mount in container.spec.volumeMounts
	mount.mountPath == directory
	startswith(mount.name, "kube-api-access-")
}

needless(_, account) if globs.any_of(params, "needed", account)

needless(_, account) if count(input.context.serviceaccounts[account].bindings) > 0

# The admission plugin adds none to a container that has something of its own there.
needless(pod, _) if {
	count(pod.containers) > 0
	every container in pod.containers {
		some mount in container.spec.volumeMounts
		mount.mountPath == directory
		not startswith(mount.name, "kube-api-access-")
	}
}

unseen(account) := {} if {
	input.context.serviceaccounts[account]
} else := {"unknown": why} if {
	why := concat("", ["ServiceAccount ", account, ", and the bindings that may name it, are not visible here"])
}
