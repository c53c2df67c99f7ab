package karb.autoscaling.as_valid_test

import data.karb.autoscaling.as_valid

checks(entry, spec) := {v.check |
	some v in as_valid.violations with input as {"object": {"spec": spec}, "autoscaler": entry, "params": {"as-valid": {}}}
}

keda(changes) := object.union({"kind": "ScaledObject", "min": 0, "max": 100, "idle": null}, changes)

test_ordered_bounds_pass if {
	checks(keda({"min": 1, "max": 1}), {"minReplicaCount": 1}) == set()
	checks({"kind": "HorizontalPodAutoscaler", "min": 1, "max": null, "idle": null}, {}) == set()
}

test_inverted if {
	checks(keda({"min": 5, "max": 4}), {"minReplicaCount": 5}) == {"inverted"}
	checks({"kind": "HorizontalPodAutoscaler", "min": 5, "max": 4, "idle": null}, {}) == {"inverted"}
}

test_idle if {
	checks(keda({"idle": 0}), {}) == {"idle"}
	checks(keda({"idle": 0}), {"minReplicaCount": 0}) == set()
	checks(keda({"idle": 0, "min": 1}), {"minReplicaCount": 1}) == set()
	checks(keda({"idle": 2, "min": 2}), {"minReplicaCount": 2}) == {"idle"}
}
