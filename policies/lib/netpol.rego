# Default-deny NetworkPolicies of the judged workload's namespace.
package karb.lib.netpol

# The violations of a workload whose namespace must deny `type` ("Ingress" or "Egress").
undenied(type) := {violation |
	input.workload.role != "runtime" # runs no pods of its own
	some violation in answers(type)
}

answers(type) := {unknown} if {
	not input.context.networkpolicies
	unknown := object.union(missing, {"unknown": "the namespace's NetworkPolicies are not known here"})
} else := exposed | {missing | not denied(type); covered}

missing := {
	"check": "missing",
	"path": ["metadata", "namespace"],
	"detail": {"namespace": object.get(input.object, ["metadata", "namespace"], "(not set)")},
}

# Some pod that NetworkPolicies apply to.
covered if {
	some pod in input.pods
	not host_network(pod)
}

exposed := {violation |
	some pod in input.pods
	host_network(pod)
	violation := {"check": "hostNetwork", "path": array.concat(pod.path, ["hostNetwork"]), "detail": {}}
}

host_network(pod) if pod.spec.hostNetwork == true

denied(type) if {
	some policy in input.context.networkpolicies
	every requirement in object.get(policy, "podSelector", {}) { # matchLabels, matchExpressions
		count(requirement) == 0
	}
	type in policy.policyTypes
	count(object.get(policy, lower(type), [])) == 0
}
