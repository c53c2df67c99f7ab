package karb.lib.pss_baseline

import data.karb.lib.pss_contexts

violations contains v if {
	some context in pss_contexts.set_anywhere
	some field in ["type", "user", "role"]
	value := pss_contexts.text(context.value.seLinuxOptions, field)
	not allowed(field, value)
	v := {
		"check": "seLinuxOptions",
		"path": array.concat(context.path, ["seLinuxOptions", field]),
		"detail": {"setter": context.setter, "field": field, "value": value},
	}
}

allowed(_, "")

allowed("type", value) if value in {"container_t", "container_init_t", "container_kvm_t"}

allowed("type", "container_engine_t") if minor >= 31
