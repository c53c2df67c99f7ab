package karb.autoscaling.as_average_test

import data.karb.autoscaling.as_average

prometheus(query, type) := {"type": "prometheus", "metricType": type, "path": ["spec", "triggers", 0], "metadata": {"query": query}}

checks(trigger) := {v.check |
	some v in as_average.violations with input as {"autoscaler": {"metrics": [], "triggers": [trigger]}, "params": {"as-average": {}}}
}

test_a_total_by_average_passes if checks(prometheus("sum(vllm:num_requests_waiting)", null)) == set()

test_a_latency_by_value_passes if checks(prometheus("histogram_quantile(0.95, sum(rate(x_seconds_bucket[1m])) by (le))", "Value")) == set()

test_a_latency_by_average if checks(prometheus("histogram_quantile(0.95, sum(rate(x_seconds_bucket[1m])) by (le))", null)) == {"ratio"}

test_a_total_by_value if checks(prometheus("sum(vllm:num_requests_waiting)", "Value")) == {"total"}

mean(type) := object.union(prometheus("avg(vllm:num_requests_waiting)", type), {"aggregate": "avg"})

test_a_mean_by_average if checks(mean(null)) == {"mean"}

test_a_mean_by_value_passes if checks(mean("Value")) == set()

test_a_largest_passes_by_both if {
	every type in [null, "Value"] {
		checks(object.union(prometheus("max(vllm:num_requests_waiting)", type), {"aggregate": "max"})) == set()
	}
}

test_a_mean_latency_has_one_finding if checks(object.union(prometheus("avg(latency)", null), {"aggregate": "avg"})) == {"ratio"}
