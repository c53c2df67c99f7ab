package karb.lib.pss_baseline

import data.karb.lib.pss_contexts

violations contains v if {
	some [_, container, context] in pss_contexts.containers
	context.privileged == true
	v := {
		"check": "privileged",
		"path": array.concat(container.path, ["securityContext", "privileged"]),
		"detail": {"container": container.name},
	}
}
