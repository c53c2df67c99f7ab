package karb.lib.pss_restricted

import data.karb.lib.pods
import data.karb.lib.pss_contexts

# Part of the standard since v1.8.
violations contains object.union(v, doubt) if {
	some [pod, container, context] in pss_contexts.containers
	not context.allowPrivilegeEscalation == false
	not exempt_windows(pod)
	minor >= 8
	[value, doubt] := state(container)
	v := {
		"check": "allowPrivilegeEscalation",
		"path": array.concat(container.path, ["securityContext", "allowPrivilegeEscalation"]),
		"detail": {"container": container.name, "value": value},
	}
}

state(container) := ["true", {}] if {
	container.spec.securityContext.allowPrivilegeEscalation == true
} else := ["not set", pods.doubt(container)]
