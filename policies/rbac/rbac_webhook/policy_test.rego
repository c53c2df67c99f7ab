package karb.rbac.rbac_webhook_test

import data.karb.lib.rbac_build
import data.karb.rbac.rbac_webhook

params := {"exempt": []}

answers(document) := found if {
	found := rbac_webhook.violations with input as document
}

role(rule, changes) := rbac_build.role("rbac-webhook", params, [rbac_build.rule(rule)], changes)

binding(rule, changes) := rbac_build.binding("rbac-webhook", params, [rbac_build.rule(rule)], changes)

# Field of the rule -> what it grants.
found(rule, changes) := {concat(".", [v.path[2], format_int(v.path[3], 10)]): v.detail.what | some v in answers(role(rule, changes))}

writer(changes) := object.union({"apiGroups": ["admissionregistration.k8s.io"], "verbs": ["update"]}, changes)

test_each_kind_of_check if {
	every resource in rbac_webhook.checks {
		found(writer({"resources": [resource]}), {}) == {"resources.0": [resource]}
	}
	found(writer({"resources": ["*"]}), {})["resources.0"] == sort(rbac_webhook.checks)
}

test_each_write if {
	every verb in ["create", "update", "patch", "delete", "deletecollection", "*"] {
		count(found(writer({"resources": ["validatingwebhookconfigurations"], "verbs": [verb]}), {})) == 1
	}
}

test_reading_and_names_are_fine if {
	found(writer({"resources": ["validatingwebhookconfigurations"], "verbs": ["get", "list", "watch"]}), {}) == {}
	found(writer({"resources": ["mutatingwebhookconfigurations"], "resourceNames": ["operator"]}), {}) == {}
	found(writer({"resources": ["validatingwebhookconfigurations"], "apiGroups": ["example.com"]}), {}) == {}
}

test_they_are_out_of_reach_of_a_namespaced_role if found(writer({"resources": ["*"]}), {"clusterWide": false}) == {}

test_bound if count(answers(binding(writer({"resources": ["*"]}), {}))) == 1
