package karb.lib.pss_baseline

import data.karb.lib.pss_contexts
import data.karb.lib.pss_seccomp

# The field, since v1.19.
violations contains v if {
	some [_, holder, context] in pss_contexts.everywhere
	pss_contexts.present(context, "seccompProfile")
	value := pss_contexts.text(context.seccompProfile, "type")
	not pss_seccomp.allowed_type(value)
	minor >= 19
	v := {
		"check": "seccompProfile_baseline",
		"path": array.concat(pss_contexts.path(holder, "seccompProfile"), ["type"]),
		"detail": {"setter": pss_contexts.setter(holder), "value": value},
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
