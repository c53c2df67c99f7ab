package karb.autoscaling.as_auth_test

import data.karb.autoscaling.as_auth

path := ["spec", "triggers", 0, "authenticationRef", "name"]

trigger(auth) := {"type": "kafka", "auth": auth, "path": ["spec", "triggers", 0]}

found(value) := {"triggerauths": [{"kind": "TriggerAuthentication", "name": "kafka", "path": path, "found": value}]}

violations(auth, context) := answer if {
	answer := as_auth.violations with input as {"autoscaler": {"triggers": [trigger(auth)]}, "context": context, "params": {"as-auth": {}}}
}

test_one_that_is_there_passes if violations("kafka", found(true)) == set()

test_one_that_is_missing if {
	violations("kafka", found(false)) == {{"check": "missing", "path": path, "detail": {"kind": "TriggerAuthentication", "name": "kafka"}}}
}

test_one_that_may_be_elsewhere_is_undecided if {
	{v.unknown | some v in violations("kafka", found(null))} == {as_auth.unseen}
	{v.unknown | some v in violations("kafka", {})} == {as_auth.unseen}
}

test_no_reference_no_question if violations(null, {}) == set()
