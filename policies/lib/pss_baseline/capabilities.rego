package karb.lib.pss_baseline

import data.karb.lib.pss_capabilities
import data.karb.lib.pss_contexts

violations contains v if {
	some [_, container, context] in pss_contexts.containers
	some i, capability in context.capabilities.add
	not capability in pss_capabilities.defaults
	v := {
		"check": "capabilities_baseline",
		"path": array.concat(container.path, ["securityContext", "capabilities", "add", i]),
		"detail": {"container": container.name, "capability": capability},
	}
}
