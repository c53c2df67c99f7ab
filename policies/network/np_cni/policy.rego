# METADATA
# title: Nobody has seen that NetworkPolicies are enforced
# description: |-
#   The API server accepts every NetworkPolicy, and whether anything comes of it is up to the
#   network plug-in. Where that enforces none (Flannel alone, a managed cluster with the option left
#   off, a plug-in whose agent doesn't run on the GPU nodes), a default-deny is a file: every other
#   invariant about NetworkPolicies passes, and every pod still reaches every model port and the
#   instance metadata.
#   That a known plug-in is installed is no proof. A probe is: a pod that may not reach another one
#   tries to, on each node pool, and fails. Whoever ran it writes the day into an annotation of one
#   namespace (parameter `namespace`), and this invariant asks for a day that is not too long ago.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/#prerequisites
#   description: Network policies are implemented by the network plugin
# - ref: https://github.com/kubernetes-sigs/network-policy-api/tree/main/policy-assistant
#   description: A tool that probes what policies do
# custom:
#   id: KARB-NET-008
#   severity: warning
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [/Namespace]
#   context: [networkplugins]
#   params:
#     namespace:
#       type: string
#       description: The namespace that stands for the cluster and carries the annotation.
#       default: kube-system
#     annotation:
#       type: string
#       description: The annotation with the day of the last probe.
#       default: karb.dev/networkpolicy-observed
#     maxAgeDays:
#       type: integer
#       minimum: 1
#       description: After how many days a probe proves nothing any more.
#       default: 90
#   checks:
#     unobserved: 'nothing shows that this cluster enforces NetworkPolicies: annotation {annotation} is not set{plugins}'
#     invalid: '{annotation} is no day that has been: "{raw}"; write the day of the probe as YYYY-MM-DD'
#     old: 'NetworkPolicies were last seen enforced {days} days ago ({date}), more than {maxAgeDays}{plugins}'
#   remediation: |-
#     Try it: in a scratch namespace with a default-deny, a pod on each node pool must not get an
#     answer that it gets without the policy.
#
#       kubectl -n np-probe run client --rm -it --restart=Never --image=IMAGE -- \
#         wget -T 3 -qO- http://server
#
#     Then write down the day:
#
#       kubectl annotate namespace kube-system --overwrite \
#         karb.dev/networkpolicy-observed=2026-11-25
package karb.network.np_cni

import data.karb.lib.dates

params := input.params["np-cni"]

judged if input.object.metadata.name == params.namespace

raw := object.get(input.object, ["metadata", "annotations", params.annotation], null)

age := dates.number(input.today) - dates.number(raw)

violations contains object.union(v, {"path": ["metadata", "annotations", params.annotation]}) if {
	judged
	some v in lacking
}

lacking contains {"check": "unobserved", "detail": {"annotation": params.annotation, "plugins": plugins}} if {
	raw == null
}

lacking contains {"check": "invalid", "detail": {"annotation": params.annotation, "raw": raw}} if {
	raw != null
	not been
}

lacking contains {"check": "old", "detail": detail} if {
	age > params.maxAgeDays
	detail := {"days": age, "date": raw, "maxAgeDays": params.maxAgeDays, "plugins": plugins}
}

been if age >= 0

# What is installed, for whoever looks into it; it decides nothing.
plugins := concat("", ["; ", concat(", ", words)]) if {
	count(object.get(input.context, "networkplugins", [])) > 0
	words := [concat("", [plugin.plugin, " (", plugin.name, ") ", does[plugin.enforces]]) |
		some plugin in input.context.networkplugins
	]
} else := ""

does := {
	"yes": "can enforce them, which is no proof",
	"no": "does not enforce them",
	"option": "enforces them only where that is switched on",
}
