package karb.autoscaling.as_groups_test

import data.karb.autoscaling.as_groups

checks(kind, size) := {v.check |
	target := {"found": true, "kind": kind, "name": "llm", "pods": [{"scale": {"replicas": 1, "size": size}}]}
	some v in as_groups.violations with input as {"autoscaler": {"kind": "HorizontalPodAutoscaler", "max": 4, "target": {"kind": kind}}, "context": {"scaletarget": target}, "params": {"as-groups": {}}}
}

test_a_deployment_passes if checks("Deployment", 1) == set()

test_groups if checks("LeaderWorkerSet", 4) == {"groups"}

test_groups_of_one_pass if checks("LeaderWorkerSet", 1) == set()
