package karb.cost.cost_idle_test

import data.karb.cost.cost_idle

pod(tier, devices) := {
	"path": ["spec", "template", "spec"], "labels": {}, "slo": {"tier": {"value": tier}},
	"gpu": {"workload": true, "unknown": null},
	"scale": {"replicas": 3, "size": 1, "path": ["spec", "replicas"]},
	"containers": [{"name": "server", "role": "main", "open": false, "devices": devices}],
}

scaler(changes) := object.union({"kind": "ScaledObject", "name": "llm", "pods": null, "min": 1, "max": 8, "idle": null}, changes)

answers(pods, context) := found if {
	found := cost_idle.violations with input as {
		"params": {"cost-idle": {"tiers": ["batch"]}},
		"workload": {"kind": "Deployment", "role": "serving", "injects": []},
		"object": {"metadata": {"name": "llm"}},
		"pods": pods,
		"context": context,
	}
}

details(pods, scalers) := [v.detail | some v in answers(pods, {"autoscalers": scalers})]

test_the_floor_in_gpus if {
	details([pod("batch", 2)], [scaler({"min": 2})]) == [{
		"tier": "batch", "autoscaler": "ScaledObject llm", "replicas": 2, "gpus": 4,
	}]
}

test_without_an_autoscaler_all_replicas_are_the_floor if {
	[v] := [v | some v in answers([pod("batch", 2)], {"autoscalers": []})]
	v.check == "fixed"
	v.detail == {"tier": "batch", "replicas": 3, "gpus": 6}
}

test_zero_is_zero if {
	details([pod("batch", 2)], [scaler({"min": 0})]) == []
	details([pod("batch", 2)], [scaler({"min": 2, "idle": 0})]) == []
}

test_other_tiers_are_not_its_business if {
	details([pod("critical", 2)], [scaler({"min": 2})]) == []
}

test_a_group_counts_all_of_its_pods if {
	worker := object.union(pod("batch", 8), {
		"path": ["spec", "leaderWorkerTemplate", "workerTemplate", "spec"],
		"scale": {"replicas": 3, "size": 3, "path": ["spec", "replicas"]},
	})
	[detail] := details([pod("batch", 8), worker], [scaler({"min": 1})])
	detail.gpus == 32
}

test_what_can_not_be_counted if {
	[detail] := details([pod("batch", null)], [scaler({"min": 1})])
	detail.gpus == "?"
}

test_nothing_known_of_autoscalers_leaves_it_undecided if {
	[v] := [v | some v in answers([pod("batch", 1)], {})]
	is_string(v.unknown)
}
