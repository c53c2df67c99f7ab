package karb.lib.pss_baseline

import data.karb.lib.pss_contexts

violations contains v if {
	some [_, holder, context] in pss_contexts.everywhere
	options := context.seLinuxOptions
	some field in ["type", "user", "role"]
	value := pss_contexts.text(options, field)
	not allowed(field, value)
	v := {
		"check": "seLinuxOptions",
		"path": array.concat(pss_contexts.path(holder, "seLinuxOptions"), [field]),
		"detail": {"setter": pss_contexts.setter(holder), "field": field, "value": value},
	}
}

allowed(_, "")

allowed("type", value) if value in {"container_t", "container_init_t", "container_kvm_t"}

allowed("type", "container_engine_t") if minor >= 31
