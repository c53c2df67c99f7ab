package karb.autoscaling.as_signal_test

import data.karb.autoscaling.as_signal

params := {"memory": ["fb_used"], "duty": ["gpu_util"]}

prometheus(query) := {"type": "prometheus", "metricType": null, "path": ["spec", "triggers", 0], "metadata": {"query": query}}

checks(trigger, gpu) := {v.check |
	some v in as_signal.violations with input as {
		"autoscaler": {"metrics": [], "triggers": [trigger]},
		"context": {"scaletarget": {"found": true, "kind": "Deployment", "name": "llm", "pods": [{"gpu": gpu, "why": null}]}},
		"params": {"as-signal": params},
	}
}

test_a_queue_passes if checks(prometheus("sum(vllm:num_requests_waiting)"), true) == set()

test_cpu if checks({"type": "cpu", "metricType": "Utilization", "path": ["spec", "triggers", 0], "metadata": {"value": "80"}}, true) == {"cpu"}

test_cpu_without_gpu_passes if checks({"type": "cpu", "metricType": "Utilization", "path": ["spec", "triggers", 0], "metadata": {"value": "80"}}, false) == set()

test_memory if checks(prometheus("avg(DCGM_FI_DEV_FB_USED)"), true) == {"memory"}

test_duty if checks(prometheus("avg(DCGM_FI_DEV_GPU_UTIL)"), true) == {"duty"}
