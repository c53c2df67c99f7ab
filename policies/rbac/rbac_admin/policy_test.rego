package karb.rbac.rbac_admin_test

import data.karb.lib.rbac_build
import data.karb.rbac.rbac_admin

params := {"exempt": [], "subjects": ["Group system:masters", "Group platform-*"]}

answers(document) := found if {
	found := rbac_admin.violations with input as document
}

role(rule, changes) := rbac_build.role("rbac-admin", params, [rbac_build.rule(rule)], changes)

binding(rule, changes) := rbac_build.binding("rbac-admin", params, [rbac_build.rule(rule)], changes)

admin := {"kind": "ClusterRole", "name": "cluster-admin", "text": "ClusterRole cluster-admin", "builtin": true, "path": ["roleRef", "name"]}

own := object.union(admin, {"name": "own", "text": "ClusterRole own", "builtin": false})

everything := {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}

checks(document) := {v.check | some v in answers(document); not v.unknown}

test_cluster_admin_is_reported_for_each_subject if {
	subjects := [
		rbac_build.subject("ServiceAccount", "inference/llm", false),
		object.union(rbac_build.subject("User", "jo", false), {"path": ["subjects", 1]}),
	]
	{[v.check, v.path, v.detail.subject, v.detail.scope] | some v in answers(binding(everything, {"roleRef": admin, "subjects": subjects}))} == {
		["clusterAdmin", ["subjects", 0], "ServiceAccount inference/llm", "the whole cluster"],
		["clusterAdmin", ["subjects", 1], "User jo", "the whole cluster"],
	}
}

test_a_namespace_is_named if {
	document := object.union(
		binding(everything, {"roleRef": admin, "clusterWide": false}),
		{"object": {"metadata": {"namespace": "inference"}}},
	)
	{v.detail.scope | some v in answers(document)} == {"namespace inference"}
}

test_approved_subjects if {
	approved := [rbac_build.subject("Group", "platform-admins", false)]
	answers(binding(everything, {"roleRef": admin, "subjects": approved})) == set()
}

test_the_same_under_another_name if {
	checks(binding(everything, {"roleRef": own})) == {"equivalent"}
	checks(binding(object.union(everything, {"verbs": ["get", "list"]}), {"roleRef": own})) == set()
	checks(binding(object.union(everything, {"resourceNames": ["x"]}), {"roleRef": own})) == set()
}

test_a_role_of_that_name_is_another if {
	checks(binding({}, {"roleRef": object.union(admin, {"kind": "Role"})})) == set()
}

test_an_unknown_role_is_undecided if {
	{v.unknown | some v in answers(binding({}, {"roleRef": own, "rules": [], "unresolved": "why"}))} == {"why"}
	answers(binding({}, {"roleRef": own, "rules": [], "unresolved": "why", "subjects": []})) == set()
	checks(binding({}, {"roleRef": admin, "rules": [], "unresolved": "why"})) == {"clusterAdmin"}
}

test_kubernetes_own_binding_is_left_alone if answers(binding(everything, {"roleRef": admin, "builtin": true})) == set()

test_a_role_binds_nobody if answers(role(everything, {})) == set()
