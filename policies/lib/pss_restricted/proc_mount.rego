package karb.lib.pss_restricted

import data.karb.lib.pss_contexts

# Since v1.35 baseline lets pods in a user namespace choose; restricted doesn't.
violations contains v if {
	some pod in input.pods
	pss_contexts.user_namespace(pod)
	some container in pod.containers
	value := container.spec.securityContext.procMount
	not value in {null, "Default"}
	minor >= 35
	v := {
		"check": "procMount_restricted",
		"path": array.concat(container.path, ["securityContext", "procMount"]),
		"detail": {"container": container.name, "value": value},
	}
}
