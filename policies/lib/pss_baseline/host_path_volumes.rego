package karb.lib.pss_baseline

import data.karb.lib.pss_contexts

violations contains v if {
	some pod in input.pods
	some i, volume in pod.spec.volumes
	pss_contexts.present(volume, "hostPath")
	v := {
		"check": "hostPathVolumes",
		"path": array.concat(pod.path, ["volumes", i, "hostPath"]),
		"detail": {
			"volume": pss_contexts.text(volume, "name"),
			"hostPath": pss_contexts.text(volume.hostPath, "path"),
		},
	}
}
