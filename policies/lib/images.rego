# Image references, as the facts read them.
package karb.lib.images

# Containers that name an image themselves, init and ephemeral ones too. Where there is none,
# something else supplies it (a serving runtime, an operator) and answers for it.
named := [container | some pod in input.pods; some container in pod.containers; container.image]

path(container) := array.concat(container.path, ["image"])

# A reference that can't be read, and what that proves: an operator may fill in a template
# (`{{inputs.parameters.image}}` of Argo); for the API server's own kinds it is just wrong.
unparsable contains object.union(v, filled_in_later(container)) if {
	some container in named
	is_string(container.image.error)
	v := {
		"check": "unparsable",
		"path": path(container),
		"detail": {
			"container": container.name,
			"image": container.image.raw,
			"problem": container.image.error,
		},
	}
}

filled_in_later(container) := {"unknown": why} if {
	input.workload.operator
	contains(container.image.raw, "{{")
	why := concat(" ", ["the image of container", container.name, "is filled in by the operator of this kind"])
} else := {}
