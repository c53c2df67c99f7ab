package karb.lib.pss_restricted

import data.karb.lib.pss_contexts

# Part of the standard since v1.23.
violations contains v if {
	some pod in input.pods
	not exempt_user_namespace(pod)
	some context in pss_contexts.set_in(pod)
	context.value.runAsUser == 0
	minor >= 23
	v := {
		"check": "runAsUser",
		"path": array.concat(context.path, ["runAsUser"]),
		"detail": {"setter": context.setter},
	}
}
