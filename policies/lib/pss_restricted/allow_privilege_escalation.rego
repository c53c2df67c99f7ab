package karb.lib.pss_restricted

import data.karb.lib.pods

# Windows pods are exempt since v1.25.
violations contains object.union(v, doubt) if {
	some pod in input.pods
	pod.os != "windows"
	some container in pod.containers
	not container.spec.securityContext.allowPrivilegeEscalation == false
	[value, doubt] := state(container)
	v := {
		"check": "allowPrivilegeEscalation",
		"path": array.concat(container.path, ["securityContext", "allowPrivilegeEscalation"]),
		"detail": {"container": container.name, "value": value},
	}
}

state(container) := ["true", {}] if {
	container.spec.securityContext.allowPrivilegeEscalation == true
} else := ["not set", pods.doubt(container)]
