package karb.gpu.gpu_shared_gt1_test

import data.karb.gpu.gpu_shared_gt1
import data.karb.lib.build

params := {"labels": {"nvidia.com/gpu.product": ["*-SHARED"]}}

unit(changes) := object.union(
	{
		"resource": "nvidia.com/gpu.shared", "form": "shared", "vendor": "nvidia",
		"limit": 2000, "request": 2000, "path": ["r"],
	},
	changes,
)

answers(gpus, pod) := found if {
	defaults := {
		"gpu": build.gpu_of("nvidia.com/gpu", "nvidia", 1),
		"containers": [build.container({"gpus": gpus})],
	}
	document := build.document({"gpu-shared-gt1": params}, [build.pod(object.union(defaults, pod))])
	found := gpu_shared_gt1.violations with input as document
}

test_two_are_reported if {
	answers([unit({})], {}) == {{
		"check": "several", "path": ["r"],
		"detail": {"container": "server", "resource": "nvidia.com/gpu.shared", "count": 2, "where": ""},
	}}
}

test_a_request_without_a_limit_counts if count(answers([unit({"limit": null})], {})) == 1

test_one_passes if answers([unit({"limit": 1000})], {}) == set()

on_shared := {"selectors": [{"path": [], "key": "nvidia.com/gpu.product", "values": ["Tesla-T4-SHARED"], "gpu": true}]}

test_whole_devices_on_nodes_that_share if {
	whole := unit({"form": "device", "resource": "nvidia.com/gpu"})
	answers([whole], {}) == set()
	found := answers([whole], on_shared)
	{v.detail.where | some v in found} == {" by node label nvidia.com/gpu.product=Tesla-T4-SHARED"}
	answers([unit({"form": "device", "limit": 1000})], on_shared) == set()
	answers([unit({"form": "device", "vendor": "amd"})], on_shared) == set()
}

test_hami_counts_physical_devices if {
	shares := [unit({"form": "device"}), unit({"form": "portion", "limit": 8000000})]
	answers(shares, on_shared) == set()
}
