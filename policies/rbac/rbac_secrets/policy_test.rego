package karb.rbac.rbac_secrets_test

import data.karb.lib.rbac_build
import data.karb.rbac.rbac_secrets

params := {"exempt": [], "delegated": [], "verbs": ["list", "watch"]}

answers(document) := found if {
	found := rbac_secrets.violations with input as document
}

role(rule, changes) := rbac_build.role("rbac-secrets", params, [rbac_build.rule(rule)], changes)

binding(rule, changes) := rbac_build.binding("rbac-secrets", params, [rbac_build.rule(rule)], changes)

# Field of the rule -> what it grants.
found(rule, changes) := {concat(".", [v.path[2], format_int(v.path[3], 10)]): v.detail.what | some v in answers(role(rule, changes))}

test_list_and_watch_read_all_of_them if {
	found({"resources": ["secrets"], "verbs": ["get", "watch", "list"]}, {}) == {"resources.0": ["list", "watch"]}
	found({"resources": ["pods", "secrets"], "verbs": ["list"]}, {}) == {"resources.1": ["list"]}
	found({"resources": ["*"], "verbs": ["*"], "apiGroups": ["*"]}, {}) == {"resources.0": ["list", "watch"]}
}

test_get_and_names_are_fine if {
	found({"resources": ["secrets"]}, {}) == {}
	found({"resources": ["secrets"], "verbs": ["list"], "resourceNames": ["token"]}, {}) == {}
}

test_other_resources_are_no_secrets if {
	found({"resources": ["secrets"], "verbs": ["list"], "apiGroups": ["example.com"]}, {}) == {}
	found({"resources": ["secrets/status", "configmaps"], "verbs": ["list"]}, {}) == {}
}

test_bound if count(answers(binding({"resources": ["secrets"], "verbs": ["list"]}, {}))) == 1
