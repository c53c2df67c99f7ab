package karb.lib.pss_baseline

# Part of the standard since v1.34.
violations contains found(container, [probe], action, host) if {
	some probe in ["livenessProbe", "readinessProbe", "startupProbe"]
	some pod in input.pods
	some container in pod.containers
	some [action, host] in hosts(container.spec[probe])
	minor >= 34
}

violations contains found(container, ["lifecycle", hook], action, host) if {
	some pod in input.pods
	some container in pod.containers
	some hook, actions in container.spec.lifecycle
	some [action, host] in hosts(actions)
	minor >= 34
}

# What names a host, and which.
hosts(actions) := [[action, host] |
	some action in ["httpGet", "tcpSocket"]
	host := actions[action].host
	is_string(host)
	host != ""
]

found(container, handler, action, host) := {
	"check": "hostProbesAndHostLifecycle",
	"path": array.concat(container.path, array.concat(handler, [action, "host"])),
	"detail": {"container": container.name, "handler": concat(".", handler), "host": host},
}
