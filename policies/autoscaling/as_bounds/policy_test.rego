package karb.autoscaling.as_bounds_test

import data.karb.autoscaling.as_bounds

checks(changes, spec) := {v.check |
	entry := object.union({"kind": "ScaledObject", "min": 1, "max": 4, "idle": null}, changes)
	some v in as_bounds.violations with input as {"object": {"spec": object.union({"maxReplicaCount": 4}, spec)}, "autoscaler": entry, "params": {"as-bounds": {}}}
}

test_both_pass if checks({}, {}) == set()

test_fixed if checks({"min": 4}, {}) == {"fixed"}

test_cooldown if checks({}, {"cooldownPeriod": 600}) == {"cooldown"}

test_cooldown_to_zero_passes if checks({"min": 0}, {"cooldownPeriod": 600}) == set()

test_unset if {
	entry := {"kind": "ScaledObject", "min": 1, "max": 100, "idle": null}
	found := as_bounds.violations with input as {"object": {"spec": {}}, "autoscaler": entry, "params": {"as-bounds": {}}}
	{v.check | some v in found} == {"unset"}
}
