package karb.lib.pss_baseline

import data.karb.lib.pss_contexts

violations contains v if {
	some [_, holder, context] in pss_contexts.everywhere
	pss_contexts.present(context, "appArmorProfile")
	value := pss_contexts.text(context.appArmorProfile, "type")
	not value in {"RuntimeDefault", "Localhost"}
	v := {
		"check": "appArmorProfile",
		"path": array.concat(pss_contexts.path(holder, "appArmorProfile"), ["type"]),
		"detail": {"setter": pss_contexts.setter(holder), "value": value},
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
