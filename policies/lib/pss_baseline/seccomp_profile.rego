package karb.lib.pss_baseline

import data.karb.lib.pss_contexts
import data.karb.lib.pss_seccomp

# The field, since v1.19; older versions of the standard read annotations instead.
violations contains v if {
	some pod in input.pods
	some context in pss_contexts.set_in(pod)
	pss_contexts.present(context.value, "seccompProfile")
	value := pss_contexts.text(context.value.seccompProfile, "type")
	not value in pss_seccomp.allowed_types
	v := {
		"check": "seccompProfile_baseline",
		"path": array.concat(context.path, ["seccompProfile", "type"]),
		"detail": {"setter": context.setter, "value": value},
	}
}
