package karb.lib.pss_restricted

import data.karb.lib.pods
import data.karb.lib.pss_capabilities
import data.karb.lib.pss_contexts

# Part of the standard since v1.22.
violations contains object.union(v, doubt) if {
	some [pod, container, context] in pss_contexts.containers
	not drops_all(context)
	not exempt_windows(pod)
	minor >= 22
	[value, doubt] := dropped(container)
	v := {
		"check": "capabilities_restricted",
		"path": array.concat(container.path, ["securityContext", "capabilities", "drop"]),
		"detail": {"container": container.name, "field": "drop", "value": value},
	}
}

# Capabilities outside of the default set are baseline's.
violations contains v if {
	some [pod, container, context] in pss_contexts.containers
	some i, capability in context.capabilities.add
	not exempt_windows(pod)
	capability in pss_capabilities.defaults
	capability != "NET_BIND_SERVICE"
	minor >= 22
	v := {
		"check": "capabilities_restricted",
		"path": array.concat(container.path, ["securityContext", "capabilities", "add", i]),
		"detail": {"container": container.name, "field": "add", "value": capability},
	}
}

drops_all(context) if "ALL" in context.capabilities.drop

dropped(container) := [drop, {}] if {
	drop := container.spec.securityContext.capabilities.drop
	count(drop) > 0
} else := ["empty", pods.doubt(container)]
