package karb.gpu.gpu_shared_tier_test

import data.karb.gpu.gpu_shared_tier
import data.karb.lib.build

params := {
	"tiers": ["critical"],
	"labels": {"nvidia.com/gpu.sharing-strategy": ["time-slicing"], "nvidia.com/gpu.product": ["*-SHARED"]},
	"strategies": ["TimeSlicing"],
}

tier(value) := {"slo": {"tier": {"value": value}}}

answers(pod) := found if {
	defaults := object.union(tier("critical"), {"gpu": build.gpu_of("nvidia.com/gpu", "nvidia", 1)})
	document := build.document({"gpu-shared-tier": params}, [build.pod(object.union(defaults, pod))])
	found := gpu_shared_tier.violations with input as document
}

holding(form, vendor) := {"containers": [build.container({"gpus": [{
	"resource": "r", "form": form, "vendor": vendor, "limit": 1000, "request": 1000, "path": ["r"],
}]})]}

test_a_shared_unit_is_reported_where_it_is_requested if {
	answers(holding("shared", "nvidia")) == {{
		"check": "shared", "path": ["r"],
		"detail": {"tier": "critical", "what": "r"},
	}}
}

test_a_share_beside_a_device_is_shared_and_intels_amounts_are_not if {
	count(answers(holding("portion", "nvidia"))) == 1
	answers(holding("portion", "intel")) == set()
}

test_whole_devices_and_partitions_pass if {
	every form in ["device", "partition", "claimed"] {
		answers(holding(form, "nvidia")) == set()
	}
}

test_other_tiers_and_pods_without_one_pass if {
	answers(object.union(holding("shared", "nvidia"), tier("standard"))) == set()
	answers(object.union(holding("shared", "nvidia"), tier(null))) == set()
}

selecting(key, values) := {"selectors": [{"path": ["s"], "key": key, "values": values, "gpu": true}]}

test_node_labels_of_shared_gpus if {
	found := answers(selecting("nvidia.com/gpu.sharing-strategy", ["time-slicing"]))
	{v.detail.what | some v in found} == {"node label nvidia.com/gpu.sharing-strategy=time-slicing"}
	count(answers(selecting("nvidia.com/gpu.product", ["NVIDIA-L4", "Tesla-T4-SHARED"]))) == 1
	answers(selecting("nvidia.com/gpu.sharing-strategy", ["none"])) == set()
	answers(selecting("zone", ["time-slicing"])) == set()
}

claimed(gpu, why, sharing) := {"claims": [{
	"name": "c", "path": ["c"], "gpu": gpu, "why": why,
	"sharing": sharing,
}]}

test_the_parameters_of_a_claim if {
	{v.detail.what | some v in answers(claimed(true, null, ["TimeSlicing"]))} == {"TimeSlicing of claim c"}
	answers(claimed(true, null, ["Exclusive"])) == set()
	answers(claimed(false, null, ["TimeSlicing"])) == set()
}

test_an_unresolved_claim_is_undecided if {
	{v.unknown | some v in answers(claimed(null, "not visible", []))} == {"not visible"}
	answers(object.union(claimed(null, "not visible", []), tier("standard"))) == set()
}

test_a_fraction_by_annotation if {
	evidence := [{"test": 4, "path": ["metadata", "annotations", "gpu-memory"], "value": "gpu-memory=4000"}]
	found := answers({"gpu": {"evidence": evidence}})
	{v.detail.what | some v in found} == {"gpu-memory=4000"}
}

test_no_gpu_no_finding if {
	plain := build.pod({}).gpu
	answers(object.union(selecting("nvidia.com/gpu.product", ["T4-SHARED"]), {"gpu": plain})) == set()
}
