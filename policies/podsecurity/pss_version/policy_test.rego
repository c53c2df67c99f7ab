package karb.podsecurity.pss_version_test

import data.karb.podsecurity.pss_version

places(labels) := {[v.check, v.path[2]] | some v in answers(labels)}

answers(labels) := found if {
	found := pss_version.violations with input as {
		"params": {"pss-version": {"exempt": ["kube-*"]}},
		"object": {"metadata": {
			"name": "ai",
			"labels": {concat("", ["pod-security.kubernetes.io/", key]): value | some key, value in labels},
		}},
	}
}

key(mode) := concat("", ["pod-security.kubernetes.io/", mode])

test_a_level_needs_a_pinned_version if {
	places({"enforce": "baseline"}) == {["unpinned", key("enforce-version")]}
	places({"warn": "restricted", "warn-version": "latest"}) == {["unpinned", key("warn-version")]}
	places({"audit": "restricted", "audit-version": "v1.37"}) == set()
}

test_privileged_is_the_same_in_every_version if places({"enforce": "privileged"}) == set()

test_a_level_that_does_not_exist_is_named_with_what_it_means if {
	[enforce] := [v | some v in answers({"enforce": "Baseline", "enforce-version": "v1.30"})]
	enforce.detail.read == "restricted, and refuses pods by it"
	[warn] := [v | some v in answers({"warn": "", "warn-version": "v1.30"})]
	startswith(warn.detail.read, "privileged")
}

test_versions_as_the_api_server_reads_them if {
	every version in ["v1.0", "v1.9", "v1.37", "v1.100"] {
		places({"enforce": "baseline", "enforce-version": version}) == set()
	}
	every version in ["1.37", "v1.07", "v1", "v2.0", "v1.37.2", "", "Latest", "v1.x"] {
		places({"enforce": "baseline", "enforce-version": version}) == {["version", key("enforce-version")]}
	}
}

test_a_wrong_version_without_a_level_is_named_too if {
	places({"warn-version": "newest"}) == {["version", key("warn-version")]}
}

test_no_labels_and_exempt_namespaces if {
	places({}) == set()
	count(pss_version.violations) == 0 with input as {
		"params": {"pss-version": {"exempt": ["kube-*"]}},
		"object": {"metadata": {"name": "kube-system", "labels": {key("enforce"): "no"}}},
	}
}
