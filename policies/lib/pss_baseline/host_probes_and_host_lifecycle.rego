package karb.lib.pss_baseline

import data.karb.lib.pss_contexts

# Part of the standard since v1.34.
violations contains v if {
	some pod in input.pods
	some container in pod.containers
	some handler in handlers
	some action in ["httpGet", "tcpSocket"]
	host := pss_contexts.text(object.get(container.spec, array.concat(handler, [action]), {}), "host")
	host != ""
	minor >= 34
	v := {
		"check": "hostProbesAndHostLifecycle",
		"path": array.concat(container.path, array.concat(handler, [action, "host"])),
		"detail": {"container": container.name, "handler": concat(".", handler), "host": host},
	}
}

handlers := [
	["livenessProbe"], ["readinessProbe"], ["startupProbe"],
	["lifecycle", "postStart"], ["lifecycle", "preStop"],
]
