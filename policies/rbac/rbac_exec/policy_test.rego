package karb.rbac.rbac_exec_test

import data.karb.lib.rbac_build
import data.karb.rbac.rbac_exec

params := {"exempt": [], "delegated": []}

answers(document) := found if {
	found := rbac_exec.violations with input as document
}

role(rule, changes) := rbac_build.role("rbac-exec", params, [rbac_build.rule(rule)], changes)

binding(rule, changes) := rbac_build.binding("rbac-exec", params, [rbac_build.rule(rule)], changes)

# Field of the rule -> what it grants.
found(rule, changes) := {concat(".", [v.path[2], format_int(v.path[3], 10)]): v.detail.what | some v in answers(role(rule, changes))}

test_each_way_in if {
	found({"verbs": ["create"], "resources": ["pods/exec", "pods/attach"]}, {}) == {"resources.0": ["pods/exec"], "resources.1": ["pods/attach"]}
	found({"verbs": ["get"], "resources": ["*/exec"]}, {}) == {"resources.0": ["pods/exec"]}
	found({"verbs": ["patch"], "resources": ["pods/ephemeralcontainers"]}, {}) == {"resources.0": ["pods/ephemeralcontainers"]}
	found({"verbs": ["*"], "resources": ["*"]}, {}) == {"resources.0": ["pods/attach", "pods/ephemeralcontainers", "pods/exec"]}
}

test_what_opens_nothing if {
	found({"verbs": ["list", "delete"], "resources": ["pods/exec"]}, {}) == {}
	found({"verbs": ["get"], "resources": ["pods/ephemeralcontainers"]}, {}) == {}
	found({"verbs": ["create"], "resources": ["pods", "pods/log", "pods/portforward"]}, {}) == {}
	found({"verbs": ["create"], "resources": ["pods/exec"], "resourceNames": ["llm-0"]}, {}) == {}
	found({"verbs": ["create"], "resources": ["pods/exec"], "apiGroups": ["apps"]}, {}) == {}
}

test_bound if count(answers(binding({"resources": ["pods/exec"]}, {}))) == 1
