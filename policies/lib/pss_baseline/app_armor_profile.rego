package karb.lib.pss_baseline

import data.karb.lib.pss_contexts

violations contains v if {
	some context in pss_contexts.set_anywhere
	pss_contexts.present(context.value, "appArmorProfile")
	value := pss_contexts.text(context.value.appArmorProfile, "type")
	not value in {"RuntimeDefault", "Localhost"}
	v := {
		"check": "appArmorProfile",
		"path": array.concat(context.path, ["appArmorProfile", "type"]),
		"detail": {"setter": context.setter, "value": value},
	}
}

# The annotations from before v1.30; every version of the standard reads both.
violations contains v if {
	some pod in input.pods
	some key, value in pod.annotations
	startswith(key, "container.apparmor.security.beta.kubernetes.io/")
	not allowed_annotation(value)
	v := {
		"check": "appArmorProfile",
		"path": array.concat(pod.metadataPath, ["annotations", key]),
		"detail": {"setter": concat(" ", ["annotation", key]), "value": value},
	}
}

allowed_annotation(value) if value in {"", "runtime/default"}

allowed_annotation(value) if startswith(value, "localhost/")
