# What NetworkPolicies leave open for the judged workload's pods.
package karb.lib.netpol

import data.karb.lib.objects

# The violations of a workload that `type` ("Ingress" or "Egress") must be denied for. Mode
# `namespace`: its namespace denies by default; `effective`: some policy isolates each of its pods.
undenied(type, mode) := set() if {
	input.workload.role == "runtime" # runs no pods of its own
} else := {unknown} if {
	not known(mode)
	unknown := {
		"check": "missing",
		"path": ["metadata", "namespace"],
		"detail": {},
		"unknown": "the namespace's NetworkPolicies are not known here",
	}
} else := exposed | open(type) if {
	mode == "effective"
} else := exposed | {missing | not denied(type); covered}

known("effective") if input.context.isolation

known(mode) if {
	mode != "effective"
	input.context.networkpolicies
}

missing := {
	"check": "missing",
	"path": ["metadata", "namespace"],
	"detail": {"namespace": namespace},
}

namespace := objects.shown_namespace

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

# Pods that no policy of the type selects, each at the labels that would let one select it.
open(type) := {object.union(violation, certainty) |
	some i, pod in input.pods
	not host_network(pod)
	certainty := doubt_unless(input.context.isolation[i][lower(type)].isolated)
	violation := {"check": "open", "path": labels(pod), "detail": {"namespace": namespace}}
}

labels(pod) := array.concat(pod.metadataPath, ["labels"])

# Undefined for what is true, `{}` for what is false; what depends on labels that are not visible
# here (an operator's) is unknown.
doubt_unless(false) := {}

doubt_unless(null) := {"unknown": "labels or addresses that are not visible here decide what the NetworkPolicies mean for this pod"}
