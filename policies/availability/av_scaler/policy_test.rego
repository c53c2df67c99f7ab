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
	{v.detail.autoscalers | some v in answers([pod({})], scaled([scaler({}), keda({})]))} == {[
		"HorizontalPodAutoscaler llm",
		"ScaledObject llm",
	]}
}

test_one_for_each_template_is_not_several if {
	own := [scaler({"own": true, "pods": [index]}) | some index in [0, 1]]
	answers([pod({}), pod({})], scaled(own)) == set()
	checks([pod({}), pod({})], scaled([own[0]])) == {"none"}
}

problem(scaler) := {v.detail.problem | some v in answers([pod({})], scaled([scaler]))}

test_targets if {
	contains(problem(scaler({"target": {"apiVersion": null, "kind": "Deployment"}}))[_], "no apiVersion")
	contains(problem(scaler({"target": {"apiVersion": "v1", "kind": "Deployment"}}))[_], "apiVersion v1")
	answers([pod({})], scaled([scaler({"target": {"apiVersion": "apps/v1beta2", "kind": "Deployment"}})])) == set()
	ray := object.union(scaled([scaler({"target": {"apiVersion": "ray.io/v1", "kind": "RayCluster"}})]), {"workload": {
		"kind": "RayCluster",
		"group": "ray.io",
	}})
	checks([pod({})], ray) == {"target"}
}

test_bounds if {
	contains(problem(scaler({"min": 5}))[_], "above")
	contains(problem(scaler({"min": 0}))[_], "Object or External")
	external := {"type": "External", "name": "q", "container": null, "target": {"averageUtilization": null}}
	answers([pod({})], scaled([scaler({"min": 0, "metrics": [external]})])) == set()
	answers([pod({})], scaled([keda({"min": 0})])) == set()
	cpu := {"type": "cpu", "metricType": "AverageValue", "metadata": {}}
	checks([pod({})], scaled([keda({"min": 0, "triggers": [cpu]})])) == {"bounds"}
	answers([pod({})], scaled([keda({"min": 0, "triggers": [cpu, prometheus]})])) == set()
	answers([pod({})], scaled([scaler({"own": true, "min": 2, "max": null})])) == set()
}

test_paused_and_empty if {
	checks([pod({})], scaled([keda({"paused": "a"})])) == {"paused"}
	checks([pod({})], scaled([keda({"triggers": []})])) == {"empty"}
}

metric(changes) := scaler({"metrics": [object.union(
	{"type": "Resource", "name": "cpu", "container": null, "target": {"averageUtilization": 70}},
	changes,
)]})

test_resources_that_nobody_measures if {
	checks([pod({})], scaled([metric({"name": "nvidia.com/gpu"})])) == {"resource"}
	answers([pod({})], scaled([metric({"type": "Pods", "name": "queue", "target": {"averageUtilization": null}})])) == set()
}

requesting := {"requests": {"cpu": 1000}}

test_utilisation_needs_requests if {
	checks([pod({})], scaled([metric({})])) == {"request"}
	answers([pod({"containers": [server(requesting)]})], scaled([metric({})])) == set()
	checks([pod({"containers": [server(requesting), build.container({"role": "sidecar"})]})], scaled([metric({})])) == {"request"}
	answers([pod({"containers": [server(requesting), build.container({"role": "init"})]})], scaled([metric({})])) == set()
	answers([pod({"podResources": {"limits": {}, "requests": {"cpu": 1}}})], scaled([metric({})])) == set()
	answers([pod({})], scaled([metric({"target": {"averageUtilization": null}})])) == set()
	answers([pod({})], scaled([object.union(metric({}), {"defaulted": ["cpu"]})])) == set()
	count(unknowns([pod({"containers": [server({"open": true})]})], scaled([metric({})]))) == 1
}

triggered(t) := scaled([keda({"triggers": [t]})])

test_keda_s_cpu_trigger if {
	checks([pod({})], triggered({"type": "cpu", "metricType": "Utilization", "metadata": {}})) == {"request"}
	answers([pod({})], triggered({"type": "cpu", "metricType": "AverageValue", "metadata": {}})) == set()
	answers([pod({})], triggered({"type": "memory", "metricType": null, "metadata": {"type": "AverageValue"}})) == set()
}

watching(name) := scaled([metric({"type": "ContainerResource", "container": name})])

test_a_container_s_own_metric if {
	two := [pod({"containers": [server(requesting), build.container({"name": "exporter"})]})]
	answers(two, watching("server")) == set()
	checks(two, watching("exporter")) == {"request"}
	checks(two, watching("vllm")) == {"container"}
	answers(two, object.union(watching("vllm"), {"workload": {"operator": true}})) == set()
}

test_who_is_not_asked if {
	answers([pod({})], object.union(scaled([]), {"workload": {"role": "batch"}})) == set()
	answers([pod({})], object.union(scaled([]), {"workload": {"kind": "Pod"}})) == set()
	answers([build.pod({"scale": scale(2)})], scaled([])) == set()
	head := object.remove(pod({}), ["scale"])
	answers([head], object.union(scaled([]), {"workload": {"group": "ray.io"}})) == set()
}
