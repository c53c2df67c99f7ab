package karb.availability.av_warm_test

import data.karb.availability.av_warm
import data.karb.lib.build

nvidia := build.gpu_of("nvidia.com/gpu", "nvidia", 1)

scale(n) := {"replicas": n, "size": 1, "path": ["spec", "replicas"]}

gpu := {"resource": "nvidia.com/gpu", "vendor": "nvidia", "form": "device", "limit": 1000, "request": 1000, "path": ["p", "limits", "g"], "declared": ["limits"]}

server(changes) := build.container(object.union({"gpus": [gpu], "devices": 1}, changes))

pod(changes) := build.pod(object.union({"gpu": nvidia, "scale": scale(2), "containers": [server({})]}, changes))

answers(pods, changes) := found if {
	found := av_warm.violations with input as object.union(build.document({"av-warm": params}, pods), changes)
}

checks(pods, changes) := {v.check | some v in answers(pods, changes)}

unknowns(pods, changes) := {v.unknown | some v in answers(pods, changes)}

params := {"criticalTiers": ["critical"]}

scaler(changes) := object.union(
	{
		"kind": "HorizontalPodAutoscaler", "name": "llm", "own": false, "pods": null,
		"target": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"},
		"min": 1, "max": 4, "idle": null, "paused": null, "metrics": [], "triggers": [], "defaulted": [],
	},
	changes,
)

tier(value) := {"tier": {"raw": value, "value": value, "key": "t", "path": ["t"]}}

slow := {
	"cold-start": {"raw": "90s", "value": 90000, "key": "c", "path": ["c"]},
	"model-load": {"raw": "4m", "value": 240000, "key": "l", "path": ["l"]},
}

scaled(changes) := {"context": {"autoscalers": [scaler(changes)]}}

test_a_warm_replica_passes if {
	answers([pod({"slo": tier("critical")})], scaled({})) == set()
	answers([pod({"slo": slow})], scaled({})) == set()
}

test_critical_and_zero if {
	answers([pod({"slo": tier("critical")})], scaled({"min": 0})) == {{
		"check": "tier", "path": ["t"], "detail": {"tier": "critical", "autoscaler": "HorizontalPodAutoscaler llm"},
	}}
	checks([pod({"slo": tier("critical")})], scaled({"idle": 0})) == {"tier"}
	answers([pod({"slo": tier("standard")})], scaled({"min": 0})) == set()
}

test_slower_than_its_budget if {
	checks([pod({"slo": slow})], scaled({"min": 0})) == {"budget"}
	even := object.union(slow, {"model-load": {"value": 90000}})
	answers([pod({"slo": even})], scaled({"min": 0})) == set()
}

test_only_the_template_that_is_scaled if {
	answers([pod({"slo": tier("critical")})], scaled({"min": 0, "pods": [1]})) == set()
}

test_without_knowledge_it_is_undecided_where_it_matters if {
	count(unknowns([pod({"slo": tier("critical")})], {})) == 1
	answers([pod({"slo": tier("standard")})], {}) == set()
}
