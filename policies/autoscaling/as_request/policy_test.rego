package karb.autoscaling.as_request_test

import data.karb.autoscaling.as_request

pod(requests) := {"containers": [{"name": "server", "role": "main", "requests": requests}]}

cpu(container) := {"type": "Resource", "name": "cpu", "container": container, "path": ["spec", "metrics", 0], "target": {"averageUtilization": 80}}

checks(metric, requests, defaulted) := {v.check |
	some v in as_request.violations with input as {
		"autoscaler": {"metrics": [metric], "triggers": []},
		"context": {"scaletarget": {"found": true, "kind": "Deployment", "name": "llm", "pods": [pod(requests)], "defaulted": defaulted}},
		"params": {"as-request": {}},
	}
}

test_a_request_passes if checks(cpu(null), ["cpu"], []) == set()

test_no_request if checks(cpu(null), [], []) == {"request"}

test_a_limit_range_passes if checks(cpu(null), [], ["cpu"]) == set()

test_a_missing_container if checks(cpu("other"), ["cpu"], []) == {"container"}
