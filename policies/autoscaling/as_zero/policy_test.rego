package karb.autoscaling.as_zero_test

import data.karb.autoscaling.as_zero

params := {"scaleToZero": true, "ownMetrics": ["vllm:"]}

prometheus(query) := {"type": "prometheus", "metricType": null, "path": ["spec", "triggers", 0], "metadata": {"query": query}}

keda(changes) := object.union({"kind": "ScaledObject", "min": 0, "max": 4, "idle": null, "metrics": [], "triggers": [prometheus("sum(gateway_pending)")]}, changes)

checks(entry, params) := {v.check |
	some v in as_zero.violations with input as {"autoscaler": entry, "params": {"as-zero": params}}
}

test_from_outside_passes if checks(keda({}), params) == set()

test_own if checks(keda({"triggers": [prometheus("sum(vllm:num_requests_waiting)")]}), params) == {"own"}

test_own_with_one_warm_passes if checks(keda({"min": 1, "triggers": [prometheus("sum(vllm:num_requests_waiting)")]}), params) == set()

test_idle if checks(keda({"min": 2, "idle": 1}), params) == {"idle"}

test_cpu if checks(keda({"triggers": [{"type": "cpu", "metricType": "Utilization", "path": [], "metadata": {}}]}), params) == {"trigger"}

hpa(metrics) := {"kind": "HorizontalPodAutoscaler", "min": 0, "max": 4, "idle": null, "metrics": metrics, "triggers": []}

cpu := {"type": "Resource", "name": "cpu", "path": ["spec", "metrics", 0], "target": {"type": "Utilization", "averageUtilization": 80}}

external := {"type": "External", "name": "pending", "path": ["spec", "metrics", 1], "target": {"type": "AverageValue", "averageValue": 8000}}

test_hpa_external_passes if checks(hpa([external]), params) == set()

test_hpa_cpu if checks(hpa([cpu]), params) == {"metric"}

test_hpa_both if checks(hpa([cpu, external]), params) == {"resource"}

test_gate if checks(hpa([external]), {"scaleToZero": false, "ownMetrics": []}) == {"gate"}
