package karb.lib.rbac_test

import data.karb.lib.rbac
import data.karb.lib.rbac_build

params := {"exempt": ["system:*"], "delegated": ["admin", "edit"]}

hits(rules) := {{"rule": rule, "field": ["verbs", 0], "what": ["get pods"]} | some rule in rules}

found(document) := violations if {
	violations := rbac.answers(params, hits(document.rbac.rules)) with input as document
}

role(rules, changes) := rbac_build.role("x", params, rules, changes)

binding(changes) := rbac_build.binding("x", params, [rbac_build.rule({})], changes)

test_own_rules_are_reported_where_they_stand if {
	found(role([rbac_build.rule({})], {})) == {{
		"check": "rule", "path": ["rules", 0, "verbs", 0],
		"detail": {"what": ["get pods"]},
	}}
}

test_aggregated_rules_are_reported_once_a_selector if {
	path := ["aggregationRule", "clusterRoleSelectors", 0]
	rules := [
		rbac_build.rule({"path": path, "from": "ClusterRole b"}),
		rbac_build.rule({"path": path, "from": "ClusterRole a", "verbs": ["list"]}),
	]
	found(role(rules, {})) == {{
		"check": "aggregated", "path": path,
		"detail": {"what": ["get pods"], "role": ["ClusterRole a", "ClusterRole b"]},
	}}
}

test_a_binding_of_a_builtin_role_is_reported_with_its_subjects if {
	found(binding({})) == {{
		"check": "bound", "path": ["roleRef", "name"],
		"detail": {"what": ["get pods"], "role": ["ClusterRole edit"], "subjects": ["ServiceAccount llm"]},
	}}
}

ref(changes) := object.union(binding({}).rbac.roleRef, changes)

test_a_role_that_is_judged_itself_answers_for_its_bindings if {
	found(binding({"roleRef": ref({"name": "own", "builtin": false})})) == set()
}

test_a_role_that_is_exempt_does_not if {
	count(found(binding({"roleRef": ref({"name": "system:x", "builtin": false})}))) == 1
}

test_a_crowd_is_reported_whatever_the_role if {
	crowd := [rbac_build.subject("Group", "system:authenticated", true)]
	count(found(binding({"roleRef": ref({"name": "own", "builtin": false}), "subjects": crowd}))) == 1
	count(found(binding({"clusterWide": false, "subjects": crowd}))) == 1
}

test_roles_for_people_may_be_given_in_a_namespace if {
	found(binding({"clusterWide": false})) == set()
	count(found(binding({"clusterWide": false, "roleRef": ref({"name": "other"})}))) == 1
	count(found(binding({"clusterWide": false, "roleRef": ref({"builtin": false, "name": "system:x"})}))) == 1
}

test_administrators_are_one_question if {
	admin := ref({"name": "cluster-admin"})
	found(binding({"roleRef": admin})) == set()
	crowd := [rbac_build.subject("Group", "system:authenticated", true)]
	count(found(binding({"roleRef": admin, "subjects": crowd}))) == 1
}

test_without_subjects_a_binding_gives_nothing if {
	found(binding({"subjects": []})) == set()
	found(binding({"subjects": [], "rules": [], "unresolved": "why"})) == set()
}

test_exempt_and_builtin_objects_are_left_alone if {
	found(role([rbac_build.rule({})], {"builtin": true})) == set()
	named := object.union(role([rbac_build.rule({})], {}), {"object": {"metadata": {"name": "system:x"}}})
	found(named) == set()
}

test_nothing_found_is_undecided_while_rules_are_unknown if {
	{v.unknown | some v in found(role([], {"unresolved": "why"}))} == {"why"}
	{v.unknown | some v in found(binding({"rules": [], "unresolved": "why"}))} == {"why"}
	not "why" in {v.unknown | some v in found(role([rbac_build.rule({})], {"unresolved": "why"}))}
}

test_covers_as_the_api_server_matches if {
	rbac.covers("*", "pods/exec")
	rbac.covers("pods/exec", "pods/exec")
	rbac.covers("*/exec", "pods/exec")
	rbac.covers("*", "secrets")
	not rbac.covers("pods", "pods/exec")
	not rbac.covers("pods/*", "pods/exec")
	not rbac.covers("*/exec", "pods/attach")
	not rbac.covers("secrets/status", "secrets")
}

test_reach if {
	rbac.reaches(true) with input as binding({"clusterWide": false})
	not rbac.reaches(false) with input as binding({"clusterWide": false})
	rbac.reaches(false) with input as binding({})
}
