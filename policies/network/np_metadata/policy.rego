# METADATA
# title: A NetworkPolicy opens the way to the instance metadata service
# description: |-
#   The metadata service of a cloud hands out the credentials of the node to whoever asks from it,
#   without a password: one request for 169.254.169.254 from a compromised model server, and the
#   attacker pulls images, reads buckets and joins the cluster as a node. Every IPv4 allow that is
#   wide enough contains this address, 0.0.0.0/0 first of all.
#   `except` limits only the rule it stands in. Policies add up, so that an address which one rule
#   excepts is open as soon as another rule, in this policy or any other, contains it: each rule has
#   to leave it out. Rules for other ports than the service's (parameter `ports`) don't reach it,
#   and neither do peers by label, which are pods.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/#behavior-of-to-and-from-selectors
#   description: Behavior of to and from selectors
# - ref: https://kubernetes.io/docs/concepts/security/cloud-native-security/
#   description: Cloud native security and Kubernetes
# custom:
#   id: KARB-NET-004
#   severity: error
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [networking.k8s.io/NetworkPolicy]
#   params:
#     addresses:
#       type: array
#       items: {type: string, pattern: '^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:]*)$'}
#       description: Addresses of metadata services (the default is that of nearly all clouds, and AWS' for IPv6).
#       default: [169.254.169.254, 'fd00:ec2::254']
#     ports:
#       type: array
#       items: {type: integer, minimum: 1, maximum: 65535}
#       minItems: 1
#       description: TCP ports on which metadata services answer (HTTP; Google Compute Engine's HTTPS).
#       default: [80, 443]
#   checks:
#     block: 'egress to {cidr} contains the metadata service {addresses}, and this rule doesn''t except it'
#     anywhere: 'an egress rule without `to` allows every address, the metadata service {addresses} among them'
#   remediation: |-
#     Name what the pods really need: a smaller network, or pods by label. If it has to be the
#     whole internet, except the link-local addresses in each such rule:
#
#       egress:
#         - to:
#             - ipBlock:
#                 cidr: 0.0.0.0/0
#                 except: [169.254.0.0/16]
#
#     For IPv6 except fd00:ec2::254/128. Workloads that need cloud credentials get them by workload
#     identity, not from the node.
package karb.network.np_metadata

params := input.params["np-metadata"]

violations contains violation if {
	some allow in reaching
	count(allow.peers) == 0
	violation := {"check": "anywhere", "path": allow.peersPath, "detail": {"addresses": params.addresses}}
}

violations contains violation if {
	some allow in reaching
	some peer in allow.peers
	addresses := contained(peer)
	count(addresses) > 0
	violation := {
		"check": "block",
		"path": peer.path,
		"detail": {"cidr": peer.cidr, "addresses": addresses},
	}
}

violations contains violation if {
	some allow in input.networkPolicy.allows
	allow.direction == "Egress"
	some peer in allow.peers
	is_string(peer.error)
	violation := {
		"check": "block",
		"path": peer.path,
		"detail": {"cidr": "?", "addresses": []},
		"unknown": concat("", ["the API server refuses this peer: ", peer.error]),
	}
}

violations contains violation if {
	some allow in reaching
	wrong := [address | some address in params.addresses; not within(everything(address), address)]
	count(wrong) > 0
	violation := {
		"check": "anywhere",
		"path": allow.peersPath,
		"detail": {"addresses": wrong},
		"unknown": concat("", ["the parameter `addresses` of np-metadata holds no addresses: ", concat(", ", wrong)]),
	}
}

# Egress rules for a port of the service.
reaching contains allow if {
	some allow in input.networkPolicy.allows
	allow.direction == "Egress"
	covers(allow)
}

covers(allow) if count(allow.ports) == 0

covers(allow) if {
	some entry in allow.ports
	entry.protocol == "TCP"
	some port in params.ports
	entry.first <= port
	port <= entry.last
}

contained(peer) := [address |
	peer.kind == "ipBlock"
	some address in params.addresses
	within(peer.cidr, address)
	excepting := {part | some part in peer.except; within(part, address)}
	count(excepting) == 0
]

# Both of one family: an IPv4 address is no part of ::/0.
within(cidr, address) if {
	contains(cidr, ":") == contains(address, ":")
	net.cidr_contains(cidr, address)
}

everything(address) := "::/0" if contains(address, ":")

everything(address) := "0.0.0.0/0" if not contains(address, ":")
