package karb.lib.pss_restricted

import data.karb.lib.pss_contexts

# Part of the standard since v1.23.
violations contains v if {
	some [pod, holder, context] in pss_contexts.everywhere
	context.runAsUser == 0
	not exempt_user_namespace(pod)
	minor >= 23
	v := {
		"check": "runAsUser",
		"path": pss_contexts.path(holder, "runAsUser"),
		"detail": {"setter": pss_contexts.setter(holder)},
	}
}
