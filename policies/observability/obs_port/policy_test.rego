package karb.observability.obs_port_test

import data.karb.lib.build
import data.karb.observability.obs_port

params := {"names": ["metrics"], "ports": [8000], "annotations": ["prometheus.io/port"]}

gpu := {"gpu": build.gpu_of("nvidia.com/gpu", "nvidia", 1), "spec": {"restartPolicy": "Always"}}

answers(pods, changes) := found if {
	document := build.document({"obs-port": params}, [build.pod(object.union(gpu, pod)) | some pod in pods])
	found := obs_port.violations with input as object.union(document, changes)
}

server(ports) := build.container({"name": "vllm", "devices": 1, "spec": {"ports": ports}})

reported(pod) if count(answers([pod], {})) == 1

test_no_port_is_reported_at_the_container_with_the_gpu if {
	answers([{"containers": [build.container({}), server([])]}], {}) == {{
		"check": "missing",
		"path": ["spec", "template", "spec", "containers", 0, "ports"],
		"detail": {"container": "vllm"},
	}}
}

test_what_counts if {
	not reported({"containers": [server([{"name": "a", "containerPort": 8000}])]})
	not reported({"containers": [server([{"name": "http-metrics", "containerPort": 1}])]})
	not reported({"containers": [server([]), build.container({"spec": {"ports": [{"name": "metrics", "containerPort": 2}]}})]})
	not reported({"containers": [server([])], "annotations": {"prometheus.io/port": "9"}})
	reported({"containers": [server([])], "annotations": {"prometheus.io/port": ""}})
	reported({"containers": [server([{"name": "http", "containerPort": 80}])]})
}

test_one_pod_of_an_object_is_enough if {
	answers([{"containers": [server([])]}, {"containers": [server([{"containerPort": 8000}])]}], {}) == set()
	count(answers([{"containers": [server([])]}, {"containers": [server([])]}], {})) == 1
}

test_who_owes_it if {
	none := {"containers": [server([])]}
	every role in ["batch", "interactive", "runtime", "system"] {
		answers([none], {"workload": build.workload(role)}) == set()
	}
	answers([none], {"workload": build.workload("pod")}) == set() # nobody calls it
	called := {"containers": [server([{"name": "http", "containerPort": 80}])]}
	count(answers([called], {"workload": build.workload("pod")})) == 1
	answers([object.union(called, {"spec": {"restartPolicy": "Never"}})], {"workload": build.workload("pod")}) == set()
	answers([object.union(none, {"labels": {"leaderworkerset.sigs.k8s.io/worker-index": "1"}})], {"workload": build.workload("pod")}) == set()
	answers([none], {"workload": {"injects": ["metrics"]}}) == set()
	not reported(object.union(none, {"gpu": build.pod({}).gpu}))
}

test_what_is_not_visible if {
	open := build.container({"open": true, "devices": 1})
	{v.unknown | some v in answers([{"containers": [open]}], {})} == {"container server is merged with one that is not visible here"}
	claimed := {"containers": [build.container({})], "gpu": object.union(build.pod({}).gpu, {"unknown": "a claim"})}
	{v.unknown | some v in answers([claimed], {})} == {"a claim"}
}
