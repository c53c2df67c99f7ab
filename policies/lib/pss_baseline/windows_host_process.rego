package karb.lib.pss_baseline

import data.karb.lib.pss_contexts

violations contains v if {
	some context in pss_contexts.set_anywhere
	context.value.windowsOptions.hostProcess == true
	v := {
		"check": "windowsHostProcess",
		"path": array.concat(context.path, ["windowsOptions", "hostProcess"]),
		"detail": {"setter": context.setter},
	}
}
