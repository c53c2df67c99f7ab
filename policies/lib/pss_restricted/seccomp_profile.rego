package karb.lib.pss_restricted

import data.karb.lib.pods
import data.karb.lib.pss_contexts

# Part of the standard since v1.19. A profile that is set and wrong is baseline's.
violations contains object.union(v, pods.pod_doubt(pod)) if {
	some pod in input.pods
	not exempt_windows(pod)
	not profiled(pod.spec)
	some container in pod.containers
	not profiled(container.spec)
	minor >= 19
	v := {
		"check": "seccompProfile_restricted",
		"path": array.concat(container.path, ["securityContext", "seccompProfile"]),
		"detail": {"container": container.name},
	}
}

profiled(spec) if pss_contexts.present(spec.securityContext, "seccompProfile")
