package karb.lib.pss_baseline

import data.karb.lib.pss_contexts
import data.karb.lib.pss_seccomp

# The field, since v1.19.
violations contains v if {
	some context in pss_contexts.set_anywhere
	pss_contexts.present(context.value, "seccompProfile")
	value := pss_contexts.text(context.value.seccompProfile, "type")
	not value in pss_seccomp.allowed_types
	minor >= 19
	v := {
		"check": "seccompProfile_baseline",
		"path": array.concat(context.path, ["seccompProfile", "type"]),
		"detail": {"setter": context.setter, "value": value},
	}
}

# Before v1.19: the annotations of the pod and of each container that it has.
violations contains v if {
	minor < 19
	some pod in input.pods
	some key, value in pod.annotations
	annotated(pod, key)
	not pss_seccomp.allowed_annotation(value)
	v := {
		"check": "seccompProfile_baseline",
		"path": array.concat(pod.metadataPath, ["annotations", key]),
		"detail": {"setter": concat(" ", ["annotation", key]), "value": value},
	}
}

annotated(_, "seccomp.security.alpha.kubernetes.io/pod")

annotated(pod, key) if {
	some container in pod.containers
	key == concat("", ["container.seccomp.security.alpha.kubernetes.io/", container.name])
}
