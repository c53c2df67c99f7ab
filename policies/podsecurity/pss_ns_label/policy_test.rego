package karb.podsecurity.pss_ns_label_test

import data.karb.podsecurity.pss_ns_label

all_modes := ["enforce", "audit", "warn"]

missing(name, labels, modes) := {v.detail.label | some v in answers} if {
	answers := pss_ns_label.violations with input as {
		"params": {"pss-ns-label": {"modes": modes, "exempt": ["kube-*"]}},
		"object": {"metadata": {"name": name, "labels": labels}},
	}
}

labelled(level) := {concat("", ["pod-security.kubernetes.io/", mode]): level | some mode in all_modes}

test_each_mode_needs_its_label if {
	count(missing("ai", {}, all_modes)) == 3
	missing("ai", labelled("baseline"), all_modes) == set()
	missing("ai", {"pod-security.kubernetes.io/enforce": "baseline"}, all_modes) == {
		"pod-security.kubernetes.io/audit",
		"pod-security.kubernetes.io/warn",
	}
}

# That a level is wrong is said by pss-version.
test_any_level_counts_as_said if missing("ai", labelled("privileged"), all_modes) == set()

test_modes_and_exempt_namespaces_are_parameters if {
	missing("ai", {}, ["warn"]) == {"pod-security.kubernetes.io/warn"}
	missing("kube-system", {}, all_modes) == set()
}

test_a_namespace_without_labels_or_name if {
	count(pss_ns_label.violations) == 3 with input as {
		"params": {"pss-ns-label": {"modes": all_modes, "exempt": []}},
		"object": {"metadata": {}},
	}
}
