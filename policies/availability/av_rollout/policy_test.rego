package karb.availability.av_rollout_test

import data.karb.availability.av_rollout
import data.karb.lib.build

nvidia := build.gpu_of("nvidia.com/gpu", "nvidia", 1)

scale(n) := {"replicas": n, "size": 1, "path": ["spec", "replicas"]}

gpu := {"resource": "nvidia.com/gpu", "vendor": "nvidia", "form": "device", "limit": 1000, "request": 1000, "path": ["p", "limits", "g"], "declared": ["limits"]}

server(changes) := build.container(object.union({"gpus": [gpu], "devices": 1}, changes))

pod(changes) := build.pod(object.union({"gpu": nvidia, "scale": scale(2), "containers": [server({})]}, changes))

answers(pods, changes) := found if {
	found := av_rollout.violations with input as object.union(build.document({"av-rollout": params}, pods), changes)
}

checks(pods, changes) := {v.check | some v in answers(pods, changes)}

unknowns(pods, changes) := {v.unknown | some v in answers(pods, changes)}

params := {"spareGpus": 0}

scaler(changes) := object.union(
	{
		"kind": "HorizontalPodAutoscaler", "name": "llm", "own": false, "pods": null,
		"target": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"},
		"min": 1, "max": 4, "idle": null, "paused": null, "metrics": [], "triggers": [], "defaulted": [],
	},
	changes,
)

rolling(surge, unavailable) := {"object": {"spec": {"strategy": {
	"type": "RollingUpdate",
	"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable},
}}}}

of(replicas) := [pod({"scale": scale(replicas)})]

test_the_defaults_for_up_to_three if {
	every n in [1, 2, 3] {
		checks(of(n), rolling("25%", "25%")) == {"surge"}
	}
	answers(of(4), rolling("25%", "25%")) == set()
	answers(of(0), rolling("25%", "25%")) == set()
}

test_it_is_reported_at_what_would_help if {
	answers(of(2), rolling(1, 0)) == {{
		"check": "surge",
		"path": ["spec", "strategy", "rollingUpdate", "maxUnavailable"],
		"detail": {"replicas": 2, "maxSurge": 1, "surge": 1, "maxUnavailable": 0, "gpus": 1},
	}}
}

test_both_zero_is_one_unavailable if {
	answers(of(2), rolling(0, 0)) == set()
	answers(of(2), rolling("0%", "25%")) == set()
}

test_surge_rounds_up_and_unavailable_down if {
	{v.detail.surge | some v in answers(of(3), rolling("34%", "33%"))} == {2}
	answers(of(3), rolling("34%", "34%")) == set()
}

test_spare_gpus if {
	spare := object.union(rolling(1, 0), {"params": {"av-rollout": {"spareGpus": 1}}})
	answers(of(2), spare) == set()
	checks([pod({"containers": [server({"devices": 2})]})], spare) == {"surge"}
}

test_the_autoscaler_s_minimum_counts if {
	scaled := object.union(rolling("25%", "25%"), {"context": {"autoscalers": [scaler({"min": 4, "max": 8})]}})
	answers(of(1), scaled) == set()
}

test_recreate_and_other_kinds if {
	answers(of(1), {"object": {"spec": {"strategy": {"type": "Recreate"}}}}) == set()
	answers(of(1), object.union(rolling(1, 0), {"workload": {"kind": "StatefulSet"}})) == set()
}
