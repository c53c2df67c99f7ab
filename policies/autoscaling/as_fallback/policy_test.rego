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
