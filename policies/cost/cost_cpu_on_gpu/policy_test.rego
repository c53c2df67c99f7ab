package karb.cost.cost_cpu_on_gpu_test

import data.karb.cost.cost_cpu_on_gpu

node(accelerators, ended) := {"boundnode": {"name": "gpu-1", "accelerators": accelerators, "ended": ended}}

given(gpu, role, namespace, context) := {
	"params": {"cost-cpu-on-gpu": {"namespaces": ["kube-*"], "kinds": []}},
	"workload": {"kind": "Pod", "group": "", "role": role, "injects": []},
	"object": {"metadata": {"name": "web", "namespace": namespace}},
	"pods": [{
		"path": ["spec"], "containers": [], "spec": {"nodeName": "gpu-1"},
		"gpu": object.union({"workload": false, "unaccounted": false, "unknown": null}, gpu),
	}],
	"context": context,
}

found(gpu, role, namespace, context) := v if {
	v := cost_cpu_on_gpu.violations with input as given(gpu, role, namespace, context)
}

test_a_cpu_pod_on_a_gpu_node if {
	found({}, "serving", "ai", node(["nvidia.com/gpu"], false)) == {{
		"check": "idle", "path": ["spec", "nodeName"],
		"detail": {"node": "gpu-1", "accelerators": ["nvidia.com/gpu"]},
	}}
}

test_pods_that_may_be_there if {
	found({"workload": true}, "serving", "ai", node(["nvidia.com/gpu"], false)) == set()
	found({"unaccounted": true}, "serving", "ai", node(["nvidia.com/gpu"], false)) == set()
	found({}, "system", "ai", node(["nvidia.com/gpu"], false)) == set()
	found({}, "serving", "kube-system", node(["nvidia.com/gpu"], false)) == set()
	found({}, "batch", "ai", node(["nvidia.com/gpu"], true)) == set()
	found({}, "serving", "ai", node([], false)) == set()
}

test_what_is_not_visible_leaves_it_undecided if {
	[v] := [v | some v in found({}, "serving", "ai", {})]
	is_string(v.unknown)
	[w] := [w | some w in found({"unknown": "claim c"}, "serving", "ai", node(["nvidia.com/gpu"], false))]
	w.unknown == "claim c"
}
