package karb.lib.pss_baseline

violations contains v if {
	some pod in input.pods
	some field in ["hostNetwork", "hostPID", "hostIPC"]
	pod.spec[field] == true
	v := {
		"check": "hostNamespaces",
		"path": array.concat(pod.path, [field]),
		"detail": {"field": field},
	}
}
