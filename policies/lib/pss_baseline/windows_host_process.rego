package karb.lib.pss_baseline

import data.karb.lib.pss_contexts

violations contains v if {
	some [_, holder, context] in pss_contexts.everywhere
	context.windowsOptions.hostProcess == true
	v := {
		"check": "windowsHostProcess",
		"path": array.concat(pss_contexts.path(holder, "windowsOptions"), ["hostProcess"]),
		"detail": {"setter": pss_contexts.setter(holder)},
	}
}
