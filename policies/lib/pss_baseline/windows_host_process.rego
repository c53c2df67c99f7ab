package karb.lib.pss_baseline

import data.karb.lib.pss_contexts

violations contains v if {
	some pod in input.pods
	some context in pss_contexts.set_in(pod)
	context.value.windowsOptions.hostProcess == true
	v := {
		"check": "windowsHostProcess",
		"path": array.concat(context.path, ["windowsOptions", "hostProcess"]),
		"detail": {"setter": context.setter},
	}
}
