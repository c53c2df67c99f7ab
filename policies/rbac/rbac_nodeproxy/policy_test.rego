package karb.rbac.rbac_nodeproxy_test

import data.karb.lib.rbac_build
import data.karb.rbac.rbac_nodeproxy

params := {"exempt": []}

answers(document) := found if {
	found := rbac_nodeproxy.violations with input as document
}

role(rule, changes) := rbac_build.role("rbac-nodeproxy", params, [rbac_build.rule(rule)], changes)

binding(rule, changes) := rbac_build.binding("rbac-nodeproxy", params, [rbac_build.rule(rule)], changes)

# Field of the rule -> what it grants.
found(rule, changes) := {concat(".", [v.path[2], format_int(v.path[3], 10)]): v.detail.what | some v in answers(role(rule, changes))}

test_any_verb_on_the_proxy if {
	found({"resources": ["nodes", "nodes/proxy"]}, {}) == {"resources.1": ["get"]}
	found({"resources": ["*/proxy"], "verbs": ["*"]}, {}) == {"resources.0": ["*"]}
	found({"resources": ["*"], "resourceNames": ["gpu-1"]}, {}) == {"resources.0": ["get"]}
}

test_the_subresources_of_their_own_are_fine if {
	found({"resources": ["nodes", "nodes/metrics", "nodes/stats", "services/proxy"]}, {}) == {}
	found({"resources": ["nodes/proxy"], "apiGroups": ["metrics.k8s.io"]}, {}) == {}
}

test_nodes_are_out_of_reach_of_a_namespaced_role if found({"resources": ["nodes/proxy"]}, {"clusterWide": false}) == {}

test_bound if count(answers(binding({"resources": ["nodes/proxy"]}, {}))) == 1
