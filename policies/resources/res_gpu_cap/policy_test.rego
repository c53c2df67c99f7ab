package karb.resources.res_gpu_cap_test

import data.karb.lib.build
import data.karb.resources.res_gpu_cap

nvidia := build.gpu_of("nvidia.com/gpu", "nvidia", 1)

scale(n) := {"replicas": n, "size": 1, "path": ["spec", "replicas"]}

gpu := {"resource": "nvidia.com/gpu", "vendor": "nvidia", "form": "device", "limit": 1000, "request": 1000, "path": ["p", "limits", "g"], "declared": ["limits"]}

server(changes) := build.container(object.union({"gpus": [gpu], "devices": 1}, changes))

pod(changes) := build.pod(object.union({"gpu": nvidia, "scale": scale(2), "containers": [server({})]}, changes))

answers(pods, changes) := found if {
	found := res_gpu_cap.violations with input as object.union(build.document({"res-gpu-cap": params}, pods), changes)
}

checks(pods, changes) := {v.check | some v in answers(pods, changes)}

unknowns(pods, changes) := {v.unknown | some v in answers(pods, changes)}

params := {"caps": {}, "cap": null}

scaler(changes) := object.union(
	{
		"kind": "HorizontalPodAutoscaler", "name": "llm", "own": false, "pods": null,
		"target": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"},
		"min": 1, "max": 4, "idle": null, "paused": null, "metrics": [], "triggers": [], "defaulted": [],
	},
	changes,
)

capped(changes) := {"params": {"res-gpu-cap": changes}, "context": {"quotas": [], "gpucapacity": {}}}

test_no_cap_and_no_quota if {
	answers([pod({"scale": scale(100)})], {"context": {"quotas": [], "gpucapacity": {}}}) == set()
	count(unknowns([pod({})], {})) == 2
}

test_the_cap if {
	answers([pod({"scale": scale(9)})], capped({"cap": 8})) == {{
		"check": "cap", "path": ["spec", "replicas"],
		"detail": {"gpus": 9, "replicas": 9, "cap": 8, "namespace": "inference"},
	}}
	answers([pod({"scale": scale(8)})], capped({"cap": 8})) == set()
}

test_batch_jobs_are_held_against_caps_only if {
	job := {"workload": {"role": "batch", "kind": "Job", "group": "batch"}}
	checks([pod({"scale": scale(9)})], object.union(capped({"cap": 8}), job)) == {"cap"}
	answers([pod({"scale": scale(9)})], object.union(quotas(1000, []), job)) == set()
	steps := [object.remove(pod({}), ["scale"]) | some _ in numbers.range(1, 9)]
	answers(steps, object.union(capped({"cap": 8}), job)) == set()
}

test_which_cap_counts if {
	own := {"cap": 1, "caps": {"inference": 9, "*": 2}}
	answers([pod({"scale": scale(9)})], capped(own)) == set()
	{v.detail.cap | some v in answers([pod({"scale": scale(9)})], capped({"cap": 100, "caps": {"*": 4, "inf*": 3}}))} == {3}
	{v.detail.cap | some v in answers([pod({"scale": scale(9)})], capped({"cap": 5, "caps": {"train*": 1}}))} == {5}
}

test_groups_and_all_templates_add_up if {
	leader := pod({})
	worker := pod({"scale": {"replicas": 2, "size": 3, "path": ["spec", "replicas"]}})
	{v.detail.gpus | some v in answers([leader, worker], capped({"cap": 7}))} == {8}
}

test_the_autoscaler_s_maximum if {
	document := object.union(capped({"cap": 3}), {"context": {"autoscalers": [scaler({})]}})
	{v.detail.gpus | some v in answers([pod({"scale": scale(1)})], document)} == {4}
}

test_init_containers_give_back if {
	warm_up := server({"role": "init", "devices": 8, "path": ["spec", "initContainers", 0]})
	answers([pod({"scale": scale(1), "containers": [server({}), warm_up]})], capped({"cap": 8})) == set()
	{v.detail.gpus | some v in answers([pod({"scale": scale(1), "containers": [server({}), warm_up]})], capped({"cap": 7}))} == {8}
}

quotas(hard, scopes) := {"context": {"gpucapacity": {}, "quotas": [{"name": "q", "scopes": scopes, "hard": {"requests.nvidia.com/gpu": hard}}]}}

test_a_quota if {
	checks([pod({})], quotas(1000, [])) == {"quota"}
	answers([pod({})], quotas(2000, [])) == set()
	answers([pod({})], quotas(0, ["Terminating"])) == set()
}

test_devices_that_can_not_be_told if {
	every container in [build.container({}), build.container({"devices": null})] {
		count(unknowns([pod({"containers": [container]})], capped({"cap": 1}))) == 1
		answers([pod({"containers": [container]})], capped({})) == set()
	}
}

test_a_pod_by_itself if {
	bare := object.remove(pod({}), ["scale"])
	found := answers([bare], object.union(capped({"cap": 0}), {"workload": {"role": "pod"}}))
	{v.path | some v in found} == {["p", "limits", "g"]}
}

capacity(amount) := {"context": {"quotas": [], "gpucapacity": {"nvidia.com/gpu": {"amount": amount, "of": ["NodePool a"]}}}}

test_what_the_cluster_can_have if {
	answers([pod({})], capacity(1000)) == {{
		"check": "capacity", "path": ["spec", "replicas"],
		"detail": {"gpus": 2, "replicas": 2, "resource": "nvidia.com/gpu", "hard": 1, "of": ["NodePool a"]},
	}}
	answers([pod({})], capacity(2000)) == set()
}
