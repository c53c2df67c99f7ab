package karb.availability.av_spread_test

import data.karb.availability.av_spread
import data.karb.lib.build

nvidia := build.gpu_of("nvidia.com/gpu", "nvidia", 1)

scale(n) := {"replicas": n, "size": 1, "path": ["spec", "replicas"]}

gpu := {"resource": "nvidia.com/gpu", "vendor": "nvidia", "form": "device", "limit": 1000, "request": 1000, "path": ["p", "limits", "g"], "declared": ["limits"]}

server(changes) := build.container(object.union({"gpus": [gpu], "devices": 1}, changes))

pod(changes) := build.pod(object.union({"gpu": nvidia, "scale": scale(2), "containers": [server({})]}, changes))

answers(pods, changes) := found if {
	found := av_spread.violations with input as object.union(build.document({"av-spread": params}, pods), changes)
}

checks(pods, changes) := {v.check | some v in answers(pods, changes)}

unknowns(pods, changes) := {v.unknown | some v in answers(pods, changes)}

params := {"scope": "gpu", "nodeGpus": 8}

scaler(changes) := object.union(
	{
		"kind": "HorizontalPodAutoscaler", "name": "llm", "own": false, "pods": null,
		"target": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"},
		"min": 1, "max": 4, "idle": null, "paused": null, "metrics": [], "triggers": [], "defaulted": [],
	},
	changes,
)

selecting(name) := {"labelSelector": {"matchLabels": {"app": name}}}

spread(selector) := pod({"labels": {"app": "llm"}, "spec": {"topologySpreadConstraints": [selector]}})

test_constraints_on_own_labels_pass if {
	answers([spread(selecting("llm"))], {}) == set()
	answers([spread({"labelSelector": {}})], {}) == set()
}

test_none if {
	answers([pod({})], {}) == {{
		"check": "missing",
		"path": ["spec", "template", "spec", "topologySpreadConstraints"],
		"detail": {"replicas": 2},
	}}
}

test_selectors_of_others if {
	checks([spread(selecting("other"))], {}) == {"selector"}
	checks([spread({})], {}) == {"selector"}
	answers([pod({"spec": {"topologySpreadConstraints": [selecting("llm")]}})], {"workload": {"operator": true}}) == set()
}

apart(terms) := pod({"labels": {"app": "llm"}, "spec": {"affinity": {"podAntiAffinity": terms}}})

test_anti_affinity if {
	answers([apart({"requiredDuringSchedulingIgnoredDuringExecution": [selecting("llm")]})], {}) == set()
	answers([apart({"preferredDuringSchedulingIgnoredDuringExecution": [{"podAffinityTerm": selecting("llm")}]})], {}) == set()
	checks([apart({"preferredDuringSchedulingIgnoredDuringExecution": [{"podAffinityTerm": selecting("b")}]})], {}) == {"selector"}
	checks([apart({})], {}) == {"missing"}
}

test_whole_nodes_and_exclusive_groups_are_apart if {
	eight := object.union(gpu, {"limit": 8000})
	answers([pod({"containers": [server({"gpus": [eight]})]})], {}) == set()
	exclusive := {"object": {"metadata": {"annotations": {"leaderworkerset.sigs.k8s.io/exclusive-topology": "rack"}}}}
	answers([pod({})], exclusive) == set()
}

on_slice(topology, chips) := pod({
	"spec": {"nodeSelector": {"cloud.google.com/gke-tpu-topology": topology}},
	"containers": [server({"gpus": [object.union(gpu, {"resource": "google.com/tpu", "vendor": "google", "limit": chips * 1000})]})],
})

test_a_pod_takes_all_tpus_of_its_node if {
	every slice in [["4x4", 4], ["2x4", 8], ["2x2x1", 4], ["2x2x4", 4]] {
		answers([on_slice(slice[0], slice[1])], {}) == set()
	}
	every slice in [["2x4", 4], ["2x4", 1], ["4x4", 0], ["auto", 4], ["", 4], ["4x", 4]] {
		checks([on_slice(slice[0], slice[1])], {}) == {"missing"}
	}
}

test_an_autoscaler_makes_replicas if {
	single := pod({"scale": scale(1)})
	answers([single], {}) == set()
	answers([single], {"context": {"autoscalers": [scaler({"max": 1})]}}) == set()
	checks([single], {"context": {"autoscalers": [scaler({})]}}) == {"missing"}
}

test_an_open_pod_is_undecided if {
	count(unknowns([pod({"containers": [server({"open": true})]})], {})) == 1
}

test_scope_all if {
	checks([build.pod({"scale": scale(2)})], {"params": {"av-spread": {"scope": "all"}}}) == {"missing"}
	answers([build.pod({"scale": scale(2)})], {}) == set()
}
