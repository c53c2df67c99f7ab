package karb.autoscaling.as_window_test

import data.karb.autoscaling.as_window

slo := {"model-load": {"value": 240000, "raw": "4m"}, "cold-start": {"value": 300000, "raw": "5m"}}

context(gpu) := {"scaletarget": {"found": true, "kind": "Deployment", "name": "llm", "pods": [{"gpu": gpu, "why": null, "slo": slo}]}}

keda(changes) := object.union({"kind": "ScaledObject", "min": 1, "max": 4, "idle": null, "metrics": [], "triggers": [], "behavior": null, "cooldownPeriod": 300, "pollingInterval": 30}, changes)

checks(entry) := {v.check |
	some v in as_window.violations with input as {"autoscaler": entry, "context": context(true), "params": {"as-window": {"reach": 60}}}
}

test_of_two_templates_the_slowest_counts if {
	quick := {"cold-start": {"value": 10000, "raw": "10s"}}
	target := object.union(context(true).scaletarget, {"pods": [{"gpu": true, "why": null, "slo": quick}, {"gpu": true, "why": null, "slo": slo}]})
	entry := keda({"behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}})
	found := as_window.violations with input as {"autoscaler": entry, "context": {"scaletarget": target}, "params": {"as-window": {"reach": 60}}}
	{v.detail.load | some v in found} == {"4m"}
}

test_defaults_pass if checks(keda({})) == set()

test_zero_window if checks(keda({"behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}})) == {"down"}

test_cooldown if checks(keda({"min": 0, "cooldownPeriod": 60})) == {"cooldown"}

test_polling if checks(keda({"min": 0, "pollingInterval": 120})) == {"polling"}

test_disabled if checks(keda({"behavior": {"scaleUp": {"selectPolicy": "Disabled"}}})) == {"disabled"}

test_slow if checks(keda({"max": 100, "behavior": {"scaleUp": {"selectPolicy": "Max", "policies": [{"type": "Pods", "value": 1, "periodSeconds": 600}]}}})) == {"slow"}

test_value if {
	trigger := {"type": "prometheus", "metricType": "Value", "path": ["spec", "triggers", 0], "metadata": {"query": "x_latency"}}
	checks(keda({"triggers": [trigger], "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}})) == {"down", "value"}
}

test_a_scale_down_that_is_disabled_has_no_window if {
	trigger := {"type": "prometheus", "metricType": "Value", "path": ["spec", "triggers", 0], "metadata": {"query": "x_latency"}}
	rules := {"selectPolicy": "Disabled", "stabilizationWindowSeconds": 0}
	checks(keda({"triggers": [trigger], "behavior": {"scaleDown": rules}})) == set()
}
