package karb.rbac.rbac_wild_test

import data.karb.lib.rbac_build
import data.karb.rbac.rbac_wild

params := {"exempt": [], "subresources": ["scale"]}

answers(document) := found if {
	found := rbac_wild.violations with input as document
}

role(rule, changes) := rbac_build.role("rbac-wild", params, [rbac_build.rule(rule)], changes)

binding(rule, changes) := rbac_build.binding("rbac-wild", params, [rbac_build.rule(rule)], changes)

# Field of the rule -> what it grants.
found(rule, changes) := {concat(".", [v.path[2], format_int(v.path[3], 10)]): v.detail.what | some v in answers(role(rule, changes))}

test_each_wildcard_is_reported_at_its_place if {
	found({"verbs": ["get", "*"]}, {}) == {"verbs.1": ["every verb"]}
	found({"apiGroups": ["*"]}, {}) == {"apiGroups.0": ["every API group"]}
	found({"resources": ["pods", "*"]}, {}) == {"resources.1": ["every resource"]}
	found({"nonResourceURLs": ["*"]}, {}) == {"nonResourceURLs.0": ["every URL"]}
	found({"nonResourceURLs": ["/*"]}, {}) == {"nonResourceURLs.0": ["every URL"]}
}

test_lists_are_no_wildcards if {
	found({}, {}) == {}
	found({"nonResourceURLs": ["/metrics", "/healthz/*"]}, {}) == {}
	found({"resources": ["pods/exec"], "resourceNames": ["*"]}, {}) == {}
}

test_a_subresource_of_everything if {
	found({"resources": ["*/exec"]}, {}) == {"resources.0": ["exec of every resource"]}
	found({"resources": ["*/scale"], "apiGroups": ["*"]}, {}) == {}
	found({"resources": ["*/scale", "pods"], "apiGroups": ["*"]}, {}) == {"apiGroups.0": ["every API group"]}
}

test_urls_are_out_of_reach_of_a_namespaced_role if {
	found({"nonResourceURLs": ["*"]}, {"clusterWide": false}) == {}
}

test_a_binding_of_a_builtin_role_is_one_finding if {
	some v in answers(binding({"verbs": ["*"], "resources": ["*"]}, {}))
	v.check == "bound"
	v.detail.what == ["every resource", "every verb"]
	count(answers(binding({"verbs": ["*"], "resources": ["*"]}, {}))) == 1
}
