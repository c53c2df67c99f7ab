package karb.availability.av_scaler_test

import data.karb.availability.av_scaler
import data.karb.lib.build

nvidia := build.gpu_of("nvidia.com/gpu", "nvidia", 1)

scale(n) := {"replicas": n, "size": 1, "path": ["spec", "replicas"]}

gpu := {"resource": "nvidia.com/gpu", "vendor": "nvidia", "form": "device", "limit": 1000, "request": 1000, "path": ["p", "limits", "g"], "declared": ["limits"]}

server(changes) := build.container(object.union({"gpus": [gpu], "devices": 1}, changes))

pod(changes) := build.pod(object.union({"gpu": nvidia, "scale": scale(2), "containers": [server({})]}, changes))

answers(pods, changes) := found if {
	found := av_scaler.violations with input as object.union(build.document({"av-scaler": params}, pods), changes)
}

checks(pods, changes) := {v.check | some v in answers(pods, changes)}

unknowns(pods, changes) := {v.unknown | some v in answers(pods, changes)}

params := {"required": true}

scaler(changes) := object.union(
	{
		"kind": "HorizontalPodAutoscaler", "name": "llm", "own": false, "pods": null,
		"target": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"},
		"min": 1, "max": 4, "idle": null, "paused": null, "metrics": [], "triggers": [], "defaulted": [],
	},
	changes,
)

scaled(scalers) := {"context": {"autoscalers": scalers}}

prometheus := {"type": "prometheus", "metricType": null, "metadata": {}}

aibrix(changes) := scaler(object.union({"kind": "PodAutoscaler"}, changes))

keda(changes) := scaler(object.union({"kind": "ScaledObject", "triggers": [prometheus]}, changes))

test_one_passes if {
	answers([pod({})], scaled([scaler({})])) == set()
	answers([pod({})], scaled([keda({})])) == set()
}

test_none if {
	answers([pod({})], scaled([])) == {{"check": "none", "path": ["spec", "replicas"], "detail": {}}}
	answers([pod({})], object.union(scaled([]), {"params": {"av-scaler": {"required": false}}})) == set()
}

test_without_knowledge_it_is_undecided if {
	count(unknowns([pod({})], {})) == 1
	count(unknowns([pod({})], object.union(scaled([]), {"workload": {"kind": "StormService"}}))) == 1
}

test_several if {
	{v.detail.autoscalers | some v in answers([pod({})], scaled([scaler({}), aibrix({"own": true})]))} == {[
		"HorizontalPodAutoscaler llm",
		"PodAutoscaler llm",
	]}
}

test_one_for_each_template_is_not_several if {
	own := [scaler({"own": true, "pods": [index]}) | some index in [0, 1]]
	answers([pod({}), pod({})], scaled(own)) == set()
	checks([pod({}), pod({})], scaled([own[0]])) == {"none"}
}

problem(scaler) := {v.detail.problem | some v in answers([pod({})], scaled([scaler]))}

test_targets if {
	contains(problem(aibrix({"target": {"apiVersion": null, "kind": "Deployment"}}))[_], "no apiVersion")
	contains(problem(aibrix({"target": {"apiVersion": "v1", "kind": "Deployment"}}))[_], "apiVersion v1")
	answers([pod({})], scaled([aibrix({"target": {"apiVersion": "apps/v1beta2", "kind": "Deployment"}})])) == set()
	ray := object.union(scaled([aibrix({"target": {"apiVersion": "ray.io/v1", "kind": "RayCluster"}})]), {"workload": {
		"kind": "RayCluster",
		"group": "ray.io",
	}})
	checks([pod({})], ray) == {"target"}
}

test_bounds if {
	contains(problem(aibrix({"min": 5}))[_], "above")
	answers([pod({})], scaled([aibrix({"own": true, "min": 2, "max": null})])) == set()
}

# as-target, as-bounds, as-zero, as-paused, as-metric and as-request do.
test_others_judge_hpas_and_scaledobjects if {
	answers([pod({})], scaled([scaler({"min": 5})])) == set()
	answers([pod({})], scaled([scaler({"target": {"apiVersion": "v1", "kind": "Deployment"}})])) == set()
	answers([pod({})], scaled([keda({"paused": "a"})])) == set()
}

test_as_conflict_tells_of_two_objects if {
	answers([pod({})], scaled([scaler({}), keda({})])) == set()
	answers([pod({})], scaled([scaler({}), aibrix({})])) == set()
	checks([pod({})], scaled([aibrix({}), aibrix({"name": "other"})])) == {"several"}
}

test_who_is_not_asked if {
	answers([pod({})], object.union(scaled([]), {"workload": {"role": "batch"}})) == set()
	answers([pod({})], object.union(scaled([]), {"workload": {"kind": "Pod"}})) == set()
	answers([build.pod({"scale": scale(2)})], scaled([])) == set()
	head := object.remove(pod({}), ["scale"])
	answers([head], object.union(scaled([]), {"workload": {"group": "ray.io"}})) == set()
}
