package karb.images.img_ldpreload_test

import data.karb.images.img_ldpreload
import data.karb.lib.build

answers(pod) := found if {
	document := build.document({"img-ldpreload": {"allowed": ["*/libjemalloc.so.2"]}}, [build.pod(pod)])
	found := img_ldpreload.violations with input as document
}

preload(value) := {"env": [{"name": "A", "value": "b"}, {"name": "LD_PRELOAD", "value": value}]}

gpus(vendor) := [{"resource": "x", "vendor": vendor, "limit": 1000}]

container(changes) := build.container(object.union({"spec": preload("/x.so")}, changes))

test_with_a_gpu_it_is_reported if {
	answers({"containers": [container({"gpus": gpus("nvidia")})]}) == {{
		"check": "preload",
		"path": ["spec", "template", "spec", "containers", 0, "env", 1],
		"detail": {"container": "server", "role": "main", "value": "/x.so"},
	}}
}

test_without_one_it_is_not if {
	answers({"containers": [container({})]}) == set()
	answers({"containers": [container({"gpus": gpus("amd")})]}) == set()
	answers({"containers": [container({}), build.container({"name": "other", "gpus": gpus("nvidia")})]}) == set()
}

test_allowed_and_empty_values_pass if {
	every value in ["", "/usr/lib/libjemalloc.so.2"] {
		answers({"containers": [container({"gpus": gpus("nvidia"), "spec": preload(value)})]}) == set()
	}
}

test_a_value_from_elsewhere_can_be_anything if {
	spec := {"env": [{"name": "LD_PRELOAD", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}]}
	{v.detail.value | some v in answers({"containers": [container({"gpus": gpus(null), "spec": spec})]})} == {"what another object says (valueFrom)"}
}

test_a_gpu_of_the_pod_as_a_whole if {
	claimed := build.gpu_of("gpu.nvidia.com", "nvidia", 3)
	count(answers({"containers": [container({})], "gpu": claimed})) == 1
	answers({"containers": [container({})], "gpu": build.gpu_of("gpu.amd.com", "amd", 3)}) == set()
	unaccounted := object.union(build.pod({}).gpu, {"unaccounted": true, "vendors": ["nvidia"]})
	count(answers({"containers": [container({})], "gpu": unaccounted})) == 1
}

test_a_claim_that_is_not_visible_is_undecided if {
	doubtful := object.union(build.pod({}).gpu, {"unknown": "ResourceClaim a is not visible here"})
	{v.unknown | some v in answers({"containers": [container({})], "gpu": doubtful})} == {"ResourceClaim a is not visible here"}
}
