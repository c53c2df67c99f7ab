package karb.lib.pss_restricted

import data.karb.lib.pss_contexts

# Part of the standard since v1.23.
violations contains v if {
	some context in pss_contexts.set_anywhere
	context.value.runAsUser == 0
	not exempt_user_namespace(context.pod)
	minor >= 23
	v := {
		"check": "runAsUser",
		"path": array.concat(context.path, ["runAsUser"]),
		"detail": {"setter": context.setter},
	}
}
