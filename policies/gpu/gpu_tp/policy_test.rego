package karb.gpu.gpu_tp_test

import data.karb.gpu.gpu_tp
import data.karb.lib.build

params := {"vendors": ["nvidia"]}

server(changes) := object.union(
	{
		"name": "vLLM", "world": 4, "said": ["--tensor-parallel-size 4"],
		"path": ["a"], "why": null, "model": null,
	},
	changes,
)

answers(devices, changes, more) := found if {
	holder := build.container({"devices": devices, "server": server(changes)})
	pod := build.pod({"gpu": build.gpu_of("nvidia.com/gpu", "nvidia", 1), "containers": [holder]})
	document := object.union(build.document({"gpu-tp": params}, [pod]), more)
	found := gpu_tp.violations with input as document
}

test_equal_passes if answers(4, {}, {}) == set()

test_fewer_devices_are_reported if {
	answers(2, {}, {}) == {{
		"check": "too-few", "path": ["a"],
		"detail": {
			"server": "vLLM", "container": "server", "how": "--tensor-parallel-size 4",
			"world": 4, "devices": 2,
		},
	}}
}

test_more_devices_idle if {
	{v.check | some v in answers(8, {}, {})} == {"idle"}
	{v.detail.how | some v in answers(8, {"said": []}, {})} == {"its default"}
}

test_nothing_said_is_no_finding if answers(8, {"world": null}, {}) == set()

test_what_is_hidden_is_undecided_where_it_matters if {
	hidden := {"world": null, "why": "-tp ... is not decided here"}
	{v.unknown | some v in answers(8, hidden, {})} == {"vLLM in container server: -tp ... is not decided here"}
	answers(1, hidden, {}) == set()
}

test_devices_that_can_not_be_counted_are_undecided if {
	every v in answers(null, {}, {}) {
		contains(v.unknown, "claims of container server")
	}
	count(answers(null, {}, {})) == 1
}

test_a_pod_without_a_known_server_passes if {
	document := build.document({"gpu-tp": params}, [build.pod({"containers": [build.container({"devices": 4})]})])
	found := gpu_tp.violations with input as document
	found == set()
}

test_other_vendors_count_in_other_units if {
	answers(1, {}, {"params": {"gpu-tp": {"vendors": ["amd"]}}}) == set()
}

custom(group, kind) := {"workload": {"operator": true, "group": group, "kind": kind}}

test_a_server_of_several_pods_is_not_judged if {
	answers(2, {}, custom("leaderworkerset.x-k8s.io", "LeaderWorkerSet")) == set()
	answers(2, {}, custom("serving.kserve.io", "LLMInferenceService")) == set()
	service := custom("serving.kserve.io", "InferenceService")
	count(answers(2, {}, service)) == 1
	workers := {"object": {"spec": {"predictor": {"workerSpec": {"pipelineParallelSize": 2}}}}}
	answers(2, {}, object.union(service, workers)) == set()
	runtime := custom("serving.kserve.io", "ServingRuntime")
	answers(2, {}, object.union(runtime, {"object": {"spec": {"workerSpec": {"tensorParallelSize": 2}}}})) == set()
}
