package karb.autoscaling.as_replicas_test

import data.karb.autoscaling.as_replicas

checks(target) := {v.check |
	some v in as_replicas.violations with input as {"context": {"scaletarget": object.union({"kind": "Deployment", "name": "llm", "found": true, "live": false, "replicas": null}, target)}, "params": {"as-replicas": {}}}
}

test_unset_passes if checks({}) == set()

test_set if checks({"replicas": 3}) == {"set"}

test_live_passes if checks({"replicas": 3, "live": true}) == set()
