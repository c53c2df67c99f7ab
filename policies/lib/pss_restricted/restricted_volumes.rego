package karb.lib.pss_restricted

# A hostPath volume is baseline's. A volume of no type at all becomes an emptyDir in the API server.
violations contains v if {
	some pod in input.pods
	some i, volume in pod.spec.volumes
	types := {type | some type, source in volume; type != "name"; source != null}
	count(types) > 0
	count(types & allowed) == 0
	some type in types
	v := {
		"check": "restrictedVolumes",
		"path": array.concat(pod.path, ["volumes", i, type]),
		"detail": {"volume": object.get(volume, "name", ""), "type": type},
	}
}

# image since its field exists (v1.31): the standard takes it in every version.
allowed := {
	"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image",
	"persistentVolumeClaim", "projected", "secret", "hostPath",
}
