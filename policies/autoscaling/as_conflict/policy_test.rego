package karb.autoscaling.as_conflict_test

import data.karb.autoscaling.as_conflict

target := {"kind": "Deployment", "name": "llm", "others": [], "vertical": [], "overlapping": []}

cpu := {"type": "Resource", "name": "cpu", "target": {"averageUtilization": 80}}

checks(changes) := {v.check |
	some v in as_conflict.violations with input as {"object": {"metadata": {"namespace": "x"}}, "autoscaler": {"metrics": [cpu], "triggers": []}, "context": {"scaletarget": object.union(target, changes)}, "params": {"as-conflict": {}}}
}

test_one_passes if checks({}) == set()

test_two if checks({"others": ["ScaledObject llm"]}) == {"several"}

test_vertical if checks({"vertical": [{"name": "v", "resources": ["cpu", "memory"]}]}) == {"vertical"}

test_vertical_on_memory_passes if checks({"vertical": [{"name": "v", "resources": ["memory"]}]}) == set()

test_overlap if checks({"overlapping": ["Deployment b"]}) == {"overlap"}
