package karb.lib.pss_baseline

import data.karb.lib.pss_contexts

# Part of the standard since v1.34.
violations contains v if {
	some pod in input.pods
	some container in pod.containers
	some [handler, actions] in handlers(container.spec)
	some action in ["httpGet", "tcpSocket"]
	host := pss_contexts.text(actions[action], "host")
	host != ""
	minor >= 34
	v := {
		"check": "hostProbesAndHostLifecycle",
		"path": array.concat(container.path, array.concat(handler, [action, "host"])),
		"detail": {"container": container.name, "handler": concat(".", handler), "host": host},
	}
}

handlers(spec) := array.concat(
	[[[probe], actions] |
		some probe in ["livenessProbe", "readinessProbe", "startupProbe"]
		actions := spec[probe]
	],
	[[["lifecycle", hook], actions] | some hook, actions in spec.lifecycle],
)
