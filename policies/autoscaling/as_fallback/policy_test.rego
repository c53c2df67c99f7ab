package karb.autoscaling.as_fallback_test

import data.karb.autoscaling.as_fallback

prometheus(metadata) := {"type": "prometheus", "metricType": null, "path": ["spec", "triggers", 0], "metadata": object.union({"serverAddress": "http://p:9090"}, metadata)}

checks(changes) := {v.check |
	entry := object.union({"min": 1, "max": 4, "fallback": {"replicas": 2, "failureThreshold": 3}, "modifiers": {"target": null}, "triggers": [prometheus({})]}, changes)
	some v in as_fallback.violations with input as {"autoscaler": entry, "params": {"as-fallback": {}}}
}

test_a_fallback_passes if checks({}) == set()

test_no_data if checks({"fallback": null}) == {"nodata"}

test_none if checks({"fallback": null, "triggers": [prometheus({"ignoreNullValues": "false"})]}) == {"none"}

test_low if checks({"fallback": {"replicas": 0, "failureThreshold": 3}}) == {"low"}

test_high if checks({"fallback": {"replicas": 9, "failureThreshold": 3}}) == {"high"}

test_formula if checks({"modifiers": {"target": "2.5"}}) == {"formula"}

behaving(behavior, replicas) := checks({"fallback": {"replicas": replicas, "failureThreshold": 3, "behavior": behavior}})

test_replicas_that_nothing_uses_pass if {
	every behavior in ["currentReplicas", "scalingModifiers"] {
		every replicas in [0, 9] {
			behaving(behavior, replicas) == set()
		}
	}
}

test_the_higher_of_two_may_be_too_high if {
	behaving("currentReplicasIfHigher", 0) == set()
	behaving("currentReplicasIfHigher", 9) == {"high"}
}

test_the_lower_of_two_may_be_too_low if {
	behaving("currentReplicasIfLower", 0) == {"low"}
	behaving("currentReplicasIfLower", 9) == set()
}
