package karb.autoscaling.as_unit_test

import data.karb.autoscaling.as_unit

params := {"fractions": ["cache_usage_perc"], "percentages": ["dcgm_fi_dev_gpu_util"], "longest": 100}

checks(query, threshold) := {v.check |
	some v in as_unit.violations with input as {"autoscaler": {"metrics": [], "triggers": [{"type": "prometheus", "metricType": null, "path": ["spec", "triggers", 0], "metadata": {"query": query, "threshold": threshold}}]}, "params": {"as-unit": params}}
}

test_requests_pass if checks("sum(vllm:num_requests_waiting)", "8") == set()

test_half_a_request if checks("sum(vllm:num_requests_waiting)", "0.5") == {"part"}

test_a_percentage_of_a_fraction if checks("avg(vllm:gpu_cache_usage_perc)", "80") == {"fraction"}

test_a_computed_one_passes if checks("avg(vllm:gpu_cache_usage_perc) * 100", "80") == set()

test_a_fraction_of_a_percentage if checks("avg(DCGM_FI_DEV_GPU_UTIL)", "0.8") == {"hundred"}

test_milliseconds if checks("histogram_quantile(0.95, sum by (le) (rate(vllm:e2e_request_latency_seconds_bucket[1m])))", "2000") == {"seconds"}

test_a_utilisation_of_one if {
	cpu := {"type": "Resource", "name": "cpu", "source": "resource", "path": ["spec", "metrics", 0], "target": {"type": "Utilization", "averageUtilization": 1}}
	found := as_unit.violations with input as {"autoscaler": {"written": true, "metrics": [cpu], "triggers": []}, "params": {"as-unit": params}}
	{v.check | some v in found} == {"percent"}
}
