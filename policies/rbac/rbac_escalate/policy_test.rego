package karb.rbac.rbac_escalate_test

import data.karb.lib.rbac_build
import data.karb.rbac.rbac_escalate

params := {"exempt": [], "delegated": ["admin", "edit"], "powerful": ["cluster-admin", "system:*"]}

answers(document) := found if {
	found := rbac_escalate.violations with input as document
}

role(rule, changes) := rbac_build.role("rbac-escalate", params, [rbac_build.rule(rule)], changes)

binding(rule, changes) := rbac_build.binding("rbac-escalate", params, [rbac_build.rule(rule)], changes)

# Field of the rule -> what it grants.
found(rule, changes) := {concat(".", [v.path[2], format_int(v.path[3], 10)]): v.detail.what | some v in answers(role(rule, changes))}

rbac_rule(changes) := object.union({"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"]}, changes)

test_each_power if {
	found(rbac_rule({"verbs": ["get", "escalate"]}), {}) == {"verbs.1": ["escalate clusterroles"]}
	found(rbac_rule({"verbs": ["bind"], "resources": ["roles", "clusterroles"]}), {}) == {"verbs.0": ["bind clusterroles", "bind roles"]}
	found({"verbs": ["impersonate"], "resources": ["users", "groups", "serviceaccounts"]}, {}) == {"verbs.0": ["impersonate groups", "impersonate serviceaccounts", "impersonate users"]}
}

test_wildcards_hold_them_too if {
	found(rbac_rule({"verbs": ["*"]}), {}) == {"verbs.0": ["bind clusterroles", "escalate clusterroles"]}
	found({"verbs": ["bind"], "apiGroups": ["*"], "resources": ["*"]}, {}) == {"verbs.0": ["bind clusterroles", "bind roles"]}
	found({"verbs": ["*"], "resources": ["pods"]}, {}) == {}
}

test_other_groups_have_other_roles if {
	found({"verbs": ["bind"], "apiGroups": ["example.com"], "resources": ["roles"]}, {}) == {}
	found({"verbs": ["impersonate"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["users"]}, {}) == {}
}

test_names_bound_it_unless_they_are_powerful if {
	found(rbac_rule({"verbs": ["bind"], "resourceNames": ["viewer"]}), {}) == {}
	count(found(rbac_rule({"verbs": ["bind"], "resourceNames": ["viewer", "cluster-admin"]}), {})) == 1
	count(found({"verbs": ["impersonate"], "resources": ["groups"], "resourceNames": ["system:masters"]}, {})) == 1
	count(found(rbac_rule({"verbs": ["escalate"], "resourceNames": ["viewer"]}), {})) == 1
}

test_what_a_namespaced_role_reaches if {
	found({"verbs": ["impersonate"], "resources": ["users"]}, {"clusterWide": false}) == {}
	found(rbac_rule({"verbs": ["escalate"]}), {"clusterWide": false}) == {}
	count(found({"verbs": ["impersonate"], "resources": ["serviceaccounts"]}, {"clusterWide": false})) == 1
	count(found(rbac_rule({"verbs": ["bind"]}), {"clusterWide": false})) == 1
}

test_edit_is_for_namespaces if {
	impersonate := {"verbs": ["impersonate"], "resources": ["serviceaccounts"]}
	answers(binding(impersonate, {"clusterWide": false})) == set()
	count(answers(binding(impersonate, {}))) == 1
}
