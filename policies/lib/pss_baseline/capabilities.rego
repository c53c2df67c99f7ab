package karb.lib.pss_baseline

import data.karb.lib.pss_capabilities

violations contains v if {
	some pod in input.pods
	some container in pod.containers
	some i, capability in container.spec.securityContext.capabilities.add
	not capability in pss_capabilities.defaults
	v := {
		"check": "capabilities_baseline",
		"path": array.concat(container.path, ["securityContext", "capabilities", "add", i]),
		"detail": {"container": container.name, "capability": capability},
	}
}
