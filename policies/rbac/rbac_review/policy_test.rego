package karb.rbac.rbac_review_test

import data.karb.lib.rbac_build
import data.karb.rbac.rbac_review

params := {"exempt": ["system:*"]}

answers(document) := found if {
	found := rbac_review.violations with input as document
}

role(rule, changes) := rbac_build.role("rbac-review", params, [rbac_build.rule(rule)], changes)

binding(rule, changes) := rbac_build.binding("rbac-review", params, [rbac_build.rule(rule)], changes)

review(raw, date) := {"reviewBy": {"key": "karb.dev/review-by", "raw": raw, "date": date, "path": ["metadata", "annotations", "karb.dev/review-by"]}}

found(raw, date) := {[v.check, v.detail] | some v in answers(role({}, review(raw, date)))}

test_a_date_to_come_passes if {
	found("2026-11-24", "2026-11-24") == set()
	found("2026-11-23", "2026-11-23") == set() # today
}

test_a_date_gone_by if found("2026-11-22", "2026-11-22") == {["past", {"date": "2026-11-22"}]}

test_missing if found(null, null) == {["missing", {"key": "karb.dev/review-by"}]}

test_no_date if found("soon", null) == {["invalid", {"key": "karb.dev/review-by", "raw": "soon"}]}

test_bindings_too if {
	some v in answers(binding({}, review(null, null)))
	v.path == ["metadata", "annotations", "karb.dev/review-by"]
}

test_kubernetes_own_are_left_alone if {
	answers(role({}, object.union(review(null, null), {"builtin": true}))) == set()
}
