# METADATA
# title: A NetworkPolicy allows every peer
# description: |-
#   A rule without `from` or `to`, or with 0.0.0.0/0 or ::/0, turns a default-deny off again for its
#   ports: an ingress rule lets any pod of the cluster and, through a load balancer, anybody talk to
#   the model, and an egress rule lets a server that runs somebody else's model code send weights
#   and prompts anywhere, port 53 included. Policies add up, so that no other policy can take this
#   back. Excepted networks don't change that the rest of the world is open.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-resource
#   description: The NetworkPolicy resource
# custom:
#   id: KARB-NET-005
#   severity: warning
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [networking.k8s.io/NetworkPolicy]
#   checks:
#     anybody: 'the {direction} rule names no peer in `{field}`, which means every peer'
#     everywhere: 'the {direction} rule allows {cidr}, which is every address'
#   remediation: |-
#     Name the peers: pods and namespaces by label, or the networks that are needed:
#
#       ingress:
#         - from:
#             - namespaceSelector:
#                 matchLabels:
#                   karb.dev/layer: routing
#           ports:
#             - {protocol: TCP, port: 8000}
#
#     For downloads from the internet route egress through a proxy or a mirror of the model hub, and
#     allow that. An edge gateway that is meant for everybody needs a waiver with an end date.
package karb.network.np_broad

violations contains violation if {
	some allow in input.networkPolicy.allows
	count(allow.peers) == 0
	violation := {
		"check": "anybody",
		"path": allow.peersPath,
		"detail": {"direction": lower(allow.direction), "field": allow.peersPath[3]},
	}
}

violations contains violation if {
	some allow in input.networkPolicy.allows
	some peer in allow.peers
	peer.everywhere
	violation := {
		"check": "everywhere",
		"path": array.concat(peer.path, ["cidr"]),
		"detail": {"direction": lower(allow.direction), "cidr": peer.cidr},
	}
}
