package karb.storage.st_empty_size_test

import data.karb.lib.build
import data.karb.storage.st_empty_size

answers(pod) := found if {
	found := st_empty_size.violations with input as build.document({"st-empty-size": {}}, [build.pod(pod)])
}

dir(changes) := object.union({"name": "tmp", "path": ["v", 0, "emptyDir"], "medium": "", "sizeLimit": 8000, "raw": "8"}, changes)

unset := {"sizeLimit": null, "raw": null}

memory := {"medium": "Memory"}

checks(pod) := {v.check | some v in answers(pod)}

limited(name, limit) := build.container({"name": name, "limits": {"memory": limit}})

test_no_limit_is_reported_at_the_missing_field if {
	answers({"emptyDirs": [dir({}), dir(unset)]}) == {{
		"check": "missing",
		"path": ["v", 0, "emptyDir", "sizeLimit"],
		"detail": {"volume": "tmp"},
	}}
}

test_memory_and_zero if {
	checks({"emptyDirs": [dir(object.union(unset, memory))]}) == {"memory"}
	checks({"emptyDirs": [dir({"sizeLimit": null, "raw": "0"})]}) == {"zero"}
	checks({"emptyDirs": [dir({"medium": "HugePages", "sizeLimit": null, "raw": null})]}) == {"missing"}
}

test_memory_beyond_that_of_the_pod if {
	checks({"emptyDirs": [dir(memory)], "containers": [limited("a", 4000), limited("b", 3000)]}) == {"large"}
	checks({"emptyDirs": [dir(memory)], "containers": [limited("a", 4000), limited("b", 4000)]}) == set()
	checks({"emptyDirs": [dir(memory)], "containers": [limited("a", 4000), build.container({})]}) == set()
	checks({"emptyDirs": [dir(memory)], "containers": [limited("a", 9000)], "podResources": {"limits": {"memory": 7000}}}) == {"large"}
	checks({"emptyDirs": [dir({})], "containers": [limited("a", 4000)]}) == set()
}

server(limit) := build.container({
	"gpus": [{"resource": "nvidia.com/gpu", "vendor": "nvidia", "limit": limit, "request": limit, "form": "device"}],
	"spec": {"volumeMounts": [{"name": "tmp", "mountPath": "/dev/shm"}]},
})

test_shared_memory_of_several_gpus_is_left_to_another if {
	shared := [dir(object.union(unset, memory))]
	checks({"emptyDirs": shared, "containers": [server(2000)]}) == set()
	checks({"emptyDirs": shared, "containers": [server(1000)]}) == {"memory"}
	checks({"emptyDirs": [dir(unset)], "containers": [server(2000)]}) == {"missing"}
}

test_no_such_volume_passes if answers({}) == set()

writing(changes) := build.container(object.union({"limits": {"ephemeral-storage": 8000}}, changes))

test_a_limit_of_a_container_bounds_what_the_pod_writes if {
	checks({"emptyDirs": [dir(unset)], "containers": [build.container({}), writing({})]}) == set()
	checks({"emptyDirs": [dir(unset)], "containers": [writing({"role": "ephemeral"})]}) == {"missing"}
	checks({"emptyDirs": [dir(object.union(unset, memory))], "containers": [writing({})]}) == {"memory"}
	checks({"emptyDirs": [dir({"sizeLimit": null, "raw": "0"})], "containers": [writing({})]}) == {"zero"}
}

test_who_completes_a_container_may_limit_it if {
	open := [build.container({"open": true})]
	contains([v.unknown | some v in answers({"emptyDirs": [dir(unset)], "containers": open})][0], "merged")
	{v | some v in answers({"emptyDirs": [dir(object.union(unset, memory))], "containers": open}); v.unknown} == set()
}
