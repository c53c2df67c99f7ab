package karb.lib.pss_restricted

# A hostPath volume is baseline's. A volume of no type at all becomes an emptyDir in the API server.
violations contains v if {
	some pod in input.pods
	some i, volume in pod.spec.volumes
	not allowed(volume)
	some type, source in volume
	type != "name"
	source != null
	v := {
		"check": "restrictedVolumes",
		"path": array.concat(pod.path, ["volumes", i, type]),
		"detail": {"volume": object.get(volume, "name", ""), "type": type},
	}
}

# image since its field exists (v1.31): the standard takes it in every version. The most frequent
# type goes first, and ends the search.
allowed(volume) if {
	volume.emptyDir != null
} else if {
	some type in types
	volume[type] != null
}

types := [
	"configMap", "csi", "downwardAPI", "ephemeral", "image", "persistentVolumeClaim", "projected",
	"secret", "hostPath",
]
