package karb.storage.st_shm_test

import data.karb.lib.build
import data.karb.storage.st_shm

answers(pod, changes) := found if {
	document := build.document({"st-shm": {}}, [build.pod(pod)])
	found := st_shm.violations with input as object.union(document, changes)
}

gpus(form, limit) := [{"resource": "nvidia.com/gpu", "vendor": "nvidia", "limit": limit, "request": limit, "form": form}]

two := gpus("device", 2000)

tpus := [{"resource": "google.com/tpu", "vendor": "google", "limit": 8000, "request": 8000, "form": "device"}]

shm_mount := {"volumeMounts": [{"name": "shm", "mountPath": "/dev/shm/"}]}

limits := {"resources": {"limits": {"memory": "16"}}}

container(changes) := build.container(object.union({"gpus": two, "spec": object.union(shm_mount, limits), "limits": {"memory": 16000}}, changes))

dir(changes) := object.union({"name": "shm", "path": ["v", 0, "emptyDir"], "medium": "Memory", "sizeLimit": 8000, "raw": "8"}, changes)

with_dir(changes) := {"containers": [container({})], "emptyDirs": [dir(changes)], "spec": {"volumes": [{"name": "shm"}]}}

test_several_gpus_without_shared_memory if {
	answers({"containers": [build.container({"gpus": two})]}, {}) == {{
		"check": "missing",
		"path": ["spec", "template", "spec", "containers", 0, "volumeMounts"],
		"detail": {"container": "server", "role": "main", "gpus": 2},
	}}
}

test_what_is_no_second_gpu if {
	every each in [gpus("device", 1000), gpus("portion", 8000000), gpus("partition", 2000), gpus("shared", 2000), [], tpus] {
		answers({"containers": [build.container({"gpus": each})]}, {}) == set()
	}
	mixed := array.concat(gpus("device", 1000), gpus("claimed", 1000))
	count(answers({"containers": [build.container({"gpus": mixed})]}, {})) == 1
}

test_whoever_shares_the_nodes_ipc_has_it if {
	answers({"containers": [build.container({"gpus": two})], "spec": {"hostIPC": true}}, {}) == set()
	count(answers({"containers": [build.container({"gpus": two})], "spec": {"hostIPC": false}}, {})) == 1
}

test_operators_that_mount_it if {
	answers({"containers": [build.container({"gpus": two})]}, {"workload": {"injects": ["shm"]}}) == set()
	open := answers({"containers": [build.container({"gpus": two, "open": true})]}, {})
	every v in open {
		contains(v.unknown, "merged")
	}
	count(open) == 1
}

test_in_memory_and_bounded_passes if {
	answers(with_dir({}), {}) == set()
	answers(with_dir({"sizeLimit": 16000}), {}) == set()
}

checks(found) := {[v.check, v.path] | some v in found}

test_sizes if {
	checks(answers(with_dir({"sizeLimit": null}), {})) == {["unlimited", ["v", 0, "emptyDir", "sizeLimit"]]}
	some v in answers(with_dir({"sizeLimit": 16001, "raw": "17"}), {})
	v.check == "large"
	[v.detail.size, v.detail.limit] == ["17", "16"]
}

test_the_limit_of_the_pod_counts_where_the_container_has_none if {
	pod := {
		"containers": [container({"limits": {"memory": 0}})],
		"emptyDirs": [dir({"sizeLimit": 9000})],
		"spec": {"resources": {"limits": {"memory": "8"}}},
		"podResources": {"limits": {"memory": 8000}},
	}
	{v.detail.limit | some v in answers(pod, {})} == {"8"}
}

test_other_volumes if {
	at := ["spec", "template", "spec", "containers", 0, "volumeMounts", 0]
	checks(answers(with_dir({"medium": ""}), {})) == {["medium", at]}
	claim := {"containers": [container({})], "spec": {"volumes": [{"name": "shm", "persistentVolumeClaim": {}}]}}
	checks(answers(claim, {})) == {["medium", at]}
	checks(answers({"containers": [container({})]}, {})) == {["medium", at]}
	answers({"containers": [container({})], "spec": {"volumes": [{"name": "shm", "hostPath": {"path": "/dev/shm"}}]}}, {}) == set()
}
