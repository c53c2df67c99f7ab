# METADATA
# title: A NetworkPolicy that allows something names no trust boundary
# description: |-
#   The blueprint segments the network with default-deny and an explicit allow for each trust
#   boundary. Its layers are the zones: L1 edge, L2 routing, L3 buffering, L4 serving, L5
#   observability, and here `external` for what is outside of the cluster. An allow that doesn't say
#   which boundary it crosses can't be reviewed: nobody can tell whether "from namespace tools" was
#   meant to reach the GPU servers or is left over from a debugging session. The annotation makes
#   each hole a statement that a review, or a search over the cluster, can check.
#   Policies that only deny need none, and neither do those that only open DNS.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/
#   description: Network Policies
# custom:
#   id: KARB-NET-006
#   severity: warning
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [networking.k8s.io/NetworkPolicy]
#   params:
#     annotation:
#       type: string
#       minLength: 1
#       description: The annotation that names the boundary.
#       default: karb.dev/boundary
#     zones:
#       type: array
#       items: {type: string, minLength: 1}
#       description: Names of the zones on both sides of a boundary.
#       default: [L1, L2, L3, L4, L5, external]
#   checks:
#     missing: 'this policy allows {directions}, but its annotation {annotation} that names the trust boundary is missing'
#     format: 'annotation {annotation} is "{value}": {part} is no boundary between two of {zones}'
#   remediation: |-
#     Name the boundary in the direction of the connection, from the client's layer to the server's;
#     several are separated by commas:
#
#       metadata:
#         annotations:
#           karb.dev/boundary: L2-to-L4
package karb.network.np_boundary

params := input.params["np-boundary"]

path := ["metadata", "annotations", params.annotation]

value := object.get(input.object, path, "")

crossing contains allow.direction if {
	some allow in input.networkPolicy.allows
	not allow.dns
}

violations contains violation if {
	count(crossing) > 0
	trim_space(value) == ""
	violation := {
		"check": "missing",
		"path": path,
		"detail": {
			"annotation": params.annotation,
			"directions": sort([lower(direction) | some direction in crossing]),
		},
	}
}

violations contains violation if {
	count(crossing) > 0
	trim_space(value) != ""
	wrong := [part | some part in split(value, ","); not boundary(trim_space(part))]
	count(wrong) > 0
	violation := {
		"check": "format",
		"path": path,
		"detail": {"annotation": params.annotation, "value": value, "part": wrong[0], "zones": params.zones},
	}
}

boundary(text) if {
	[client, server] := split(text, "-to-")
	client in params.zones
	server in params.zones
}
