package karb.lib.pss_baseline

import data.karb.lib.pss_contexts

# Since v1.35 a pod in a user namespace may use any value.
violations contains v if {
	some [pod, container, context] in pss_contexts.containers
	value := context.procMount
	not value in {null, "Default"}
	not relaxed(pod)
	v := {
		"check": "procMount",
		"path": array.concat(container.path, ["securityContext", "procMount"]),
		"detail": {"container": container.name, "value": value},
	}
}

relaxed(pod) if {
	pss_contexts.user_namespace(pod)
	minor >= 35
}
