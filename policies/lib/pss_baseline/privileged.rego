package karb.lib.pss_baseline

violations contains v if {
	some pod in input.pods
	some container in pod.containers
	container.spec.securityContext.privileged == true
	v := {
		"check": "privileged",
		"path": array.concat(container.path, ["securityContext", "privileged"]),
		"detail": {"container": container.name},
	}
}
