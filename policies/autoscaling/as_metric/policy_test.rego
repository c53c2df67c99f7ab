package karb.autoscaling.as_metric_test

import data.karb.autoscaling.as_metric

goal := {"type": "AverageValue", "value": null, "averageValue": 8000, "averageUtilization": null}

metric(changes) := object.union({"type": "Pods", "name": "waiting", "source": "pods", "path": ["spec", "metrics", 0], "target": goal}, changes)

checks(m, written) := {v.check |
	some v in as_metric.violations with input as {
		"object": {"spec": {"metrics": [{"pods": {"a": 1}, "resource": {"a": 1}, "object": {"a": 1}}]}},
		"autoscaler": {"kind": "HorizontalPodAutoscaler", "written": written, "metrics": [m], "triggers": []},
		"params": {"as-metric": {}},
	}
}

test_pods_passes if checks(metric({}), true) == set()

test_gpu_resource if checks(metric({"type": "Resource", "source": "resource", "name": "nvidia.com/gpu"}), true) == {"resource"}

test_object_mismatch if checks(metric({"type": "Object", "source": "object", "target": object.union(goal, {"type": "Value"})}), true) == {"shape"}

test_source if checks(metric({"type": "External", "source": "external"}), true) == {"source"}
