package karb.lib.pss_policy_test

import data.karb.lib.pss_policy

asked(mode, labels) := found if {
	params := {"namespaceLabels": true, "namespaceMode": mode, "version": "v1.20"}
	found := {level |
		some level in ["baseline", "restricted"]
		pss_policy.asked(params, level) with input as {"context": {"namespace": {"labels": labels}}}
	}
}

key(mode) := concat("", ["pod-security.kubernetes.io/", mode])

test_levels_of_each_mode if {
	every mode in ["enforce", "audit", "warn"] {
		asked(mode, {key(mode): "privileged"}) == set()
		asked(mode, {key(mode): "baseline"}) == {"baseline"}
		asked(mode, {key(mode): "restricted"}) == {"baseline", "restricted"}
		asked(mode, {}) == {"baseline", "restricted"}
	}
}

test_a_level_that_does_not_exist_fails_closed_only_where_it_is_enforced if {
	every level in ["", "Baseline", "none"] {
		asked("enforce", {key("enforce"): level}) == {"baseline", "restricted"}
		asked("audit", {key("audit"): level}) == set()
		asked("warn", {key("warn"): level}) == set()
	}
}

test_other_modes_labels_do_not_count if {
	asked("warn", {key("enforce"): "privileged", key("warn"): "baseline"}) == {"baseline"}
}

minor(mode, labels) := number if {
	params := {"namespaceLabels": true, "namespaceMode": mode, "version": "v1.20"}
	number := pss_policy.minor(params) with input as {"context": {"namespace": {"labels": labels}}}
}

test_versions_of_each_mode if {
	every mode in ["enforce", "audit", "warn"] {
		minor(mode, {concat("", [key(mode), "-version"]): "v1.30"}) == 30
		minor(mode, {concat("", [key(mode), "-version"]): "1.30"}) == pss_policy.latest
		minor(mode, {}) == 20
	}
}
