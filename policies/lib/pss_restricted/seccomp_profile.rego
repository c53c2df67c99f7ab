package karb.lib.pss_restricted

import data.karb.lib.pods
import data.karb.lib.pss_contexts

# Windows pods are exempt since v1.25. A profile that is set and wrong is baseline's.
violations contains object.union(v, pods.pod_doubt(pod)) if {
	some pod in input.pods
	pod.os != "windows"
	not profiled(pod.spec)
	some container in pod.containers
	not profiled(container.spec)
	v := {
		"check": "seccompProfile_restricted",
		"path": array.concat(container.path, ["securityContext", "seccompProfile"]),
		"detail": {"container": container.name},
	}
}

profiled(spec) if pss_contexts.present(spec.securityContext, "seccompProfile")
