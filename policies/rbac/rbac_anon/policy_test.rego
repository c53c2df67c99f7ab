package karb.rbac.rbac_anon_test

import data.karb.lib.rbac_build
import data.karb.rbac.rbac_anon

params := {"subjects": ["Group system:unauthenticated", "User system:anonymous"], "roles": ["system:public-info-viewer"]}

answers(document) := found if {
	found := rbac_anon.violations with input as document
}

role(rule, changes) := rbac_build.role("rbac-anon", params, [rbac_build.rule(rule)], changes)

binding(rule, changes) := rbac_build.binding("rbac-anon", params, [rbac_build.rule(rule)], changes)

ref(name) := {"kind": "ClusterRole", "name": name, "text": concat(" ", ["ClusterRole", name]), "builtin": false, "path": ["roleRef", "name"]}

bound(role_name, subject_kind, subject_name) := {v.detail.subject |
	some v in answers(binding({}, {"roleRef": ref(role_name), "subjects": [rbac_build.subject(subject_kind, subject_name, true)]}))
}

test_everybody if {
	bound("reader", "Group", "system:unauthenticated") == {"Group system:unauthenticated"}
	bound("reader", "User", "system:anonymous") == {"User system:anonymous"}
}

test_the_kind_belongs_to_it if bound("reader", "ServiceAccount", "system:anonymous") == set()

test_those_who_logged_in_are_others if bound("reader", "Group", "system:authenticated") == set()

test_health_is_public if bound("system:public-info-viewer", "Group", "system:unauthenticated") == set()

test_a_role_binds_nobody if answers(role({}, {})) == set()
