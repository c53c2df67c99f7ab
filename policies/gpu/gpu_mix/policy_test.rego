package karb.gpu.gpu_mix_test

import data.karb.gpu.gpu_mix
import data.karb.lib.build

unit(resource, form) := {
	"resource": resource, "vendor": "nvidia", "form": form, "limit": 1000, "request": 1000,
	"path": ["spec", "template", "spec", "containers", 0, "resources", "limits", resource], "declared": ["limits"],
}

whole := unit("nvidia.com/gpu", "device")

answers(gpus, container, pod) := found if {
	holder := build.container(object.union({"gpus": gpus, "devices": 1}, container))
	document := build.document({"gpu-mix": {}}, [build.pod(object.union({"containers": [holder]}, pod))])
	found := gpu_mix.violations with input as document
}

claiming := {"spec": {"resources": {"claims": [{"name": "c"}]}}}

claim(gpu, why) := {"claims": [{"name": "c", "path": [], "gpu": gpu, "why": why, "sharing": []}]}

test_two_forms_are_reported_at_the_resources if {
	answers([whole, unit("nvidia.com/mig-1g.10gb", "partition")], {}, {}) == {{
		"check": "mixed",
		"path": ["spec", "template", "spec", "containers", 0, "resources"],
		"detail": {
			"container": "server", "forms": ["partitions", "whole devices"],
			"resources": ["nvidia.com/gpu", "nvidia.com/mig-1g.10gb"],
		},
	}}
}

test_one_form_passes if {
	answers([whole], {}, {}) == set()
	answers([unit("a", "partition"), unit("b", "partition")], {}, {}) == set()
	answers([], {}, {}) == set()
}

test_an_amount_beside_a_device_is_no_mix if {
	answers([whole, unit("nvidia.com/gpumem", "portion")], {}, {}) == set()
}

test_a_gpu_by_claim_is_another_form if {
	{v.detail.resources | some v in answers([whole], claiming, claim(true, null))} == {["nvidia.com/gpu", "claim c"]}
	answers([whole], claiming, claim(false, null)) == set()
	answers([unit("deviceclass.resource.kubernetes.io/x", "claimed")], claiming, claim(true, null)) == set()
}

test_a_claim_of_another_container_does_not_count if answers([whole], {}, claim(true, null)) == set()

test_an_unresolved_claim_leaves_it_undecided if {
	{v.unknown | some v in answers([whole], claiming, claim(null, "not visible"))} == {"not visible"}
	found := answers([whole, unit("m", "partition")], claiming, claim(null, "not visible"))
	{v | some v in found; v.unknown} == set()
	count(found) == 1
}

fraction := object.union(build.gpu_of("gpu-fraction", "nvidia", 4), {"evidence": [{
	"test": 4, "value": "gpu-fraction=0.5",
	"path": ["spec", "template", "metadata", "annotations", "gpu-fraction"],
}]})

test_a_fraction_beside_whole_gpus if {
	{v.check | some v in answers([whole], {}, {"gpu": fraction})} == {"fraction"}
	answers([], {}, {"gpu": fraction}) == set()
	answers([unit("nvidia.com/gpumem", "portion")], {}, {"gpu": fraction}) == set()
}
