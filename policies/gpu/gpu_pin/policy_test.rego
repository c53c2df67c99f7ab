package karb.gpu.gpu_pin_test

import data.karb.gpu.gpu_pin
import data.karb.lib.build

params := {"exempt": ["nvidia.com/mig-*"], "annotations": ["nvidia.com/use-gputype"]}

nvidia := build.gpu_of("nvidia.com/gpu", "nvidia", 1)

answers(pod, changes) := found if {
	document := build.document({"gpu-pin": params}, [build.pod(pod)])
	found := gpu_pin.violations with input as object.union(document, changes)
}

selector(gpu) := {"path": [], "key": "k", "values": ["v"], "gpu": gpu}

test_an_unpinned_gpu_is_reported_at_the_missing_selector if {
	answers({"gpu": nvidia}, {}) == {{
		"check": "unpinned",
		"path": ["spec", "template", "spec", "nodeSelector"],
		"detail": {"resources": ["nvidia.com/gpu"]},
	}}
}

test_an_accelerator_selector_pins_and_another_does_not if {
	answers({"gpu": nvidia, "selectors": [selector(true)]}, {}) == set()
	count(answers({"gpu": nvidia, "selectors": [selector(false)]}, {})) == 1
}

test_a_cpu_pod_needs_no_selector if answers({"containers": [build.container({})]}, {}) == set()

test_device_classes_and_claims_select_devices if {
	some test in [2, 3]
	answers({"gpu": build.gpu_of("gpu.nvidia.com", "nvidia", test)}, {}) == set()
}

test_a_claim_does_not_pin_what_the_device_plugin_serves if {
	both := object.union(nvidia, {"evidence": [
		{"test": 3, "path": [], "value": "gpu.nvidia.com"},
		{"test": 1, "path": [], "value": "nvidia.com/gpu"},
	]})
	count(answers({"gpu": both}, {})) == 1
}

test_exempt_resources_and_scheduler_annotations_pin if {
	answers({"gpu": build.gpu_of("nvidia.com/mig-1g.10gb", "nvidia", 1)}, {}) == set()
	answers({"gpu": nvidia, "annotations": {"nvidia.com/use-gputype": "A100"}}, {}) == set()
	count(answers({"gpu": nvidia, "annotations": {"nvidia.com/use-gputype": ""}}, {})) == 1
}

test_an_unresolved_claim_is_pinned_either_way if {
	answers({"gpu": {"unknown": "claim c"}, "spec": {"resourceClaims": [{"name": "c"}]}}, {}) == set()
	{v.unknown | some v in answers({"gpu": {"unknown": "why"}}, {})} == {"why"}
}

test_an_operator_a_runtime_or_a_queue_may_bring_the_selector if {
	answers({"gpu": nvidia}, {"workload": {"injects": ["nodeSelector"]}}) == set()
	open := {"gpu": nvidia, "containers": [build.container({"open": true})]}
	contains([v.unknown | some v in answers(open, {})][0], "merged")
	queued := {"object": {"metadata": {"labels": {"kueue.x-k8s.io/queue-name": "a"}}}}
	contains([v.unknown | some v in answers({"gpu": nvidia}, queued)][0], "Kueue")
}

by_annotation(name) := object.union(nvidia, {"evidence": [{
	"test": 4, "path": ["metadata", "annotations", name], "value": "x",
}]})

test_a_dra_annotation_selects_and_a_fraction_does_not if {
	answers({"gpu": by_annotation("serving.kserve.io/exp-dra-device-class")}, {}) == set()
	count(answers({"gpu": by_annotation("gpu-fraction")}, {})) == 1
}

test_a_claim_of_something_else_does_not_pin if {
	count(answers({"gpu": nvidia, "spec": {"resourceClaims": [{"name": "nic"}]}}, {})) == 1
}

named(operator) := {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": operator, "values": ["a"]}]}

required(terms) := {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}}

test_named_nodes_pin if {
	answers({"gpu": nvidia, "spec": {"nodeSelector": {"kubernetes.io/hostname": "a"}}}, {}) == set()
	answers({"gpu": nvidia, "spec": required([named("In"), named("In")])}, {}) == set()
	count(answers({"gpu": nvidia, "spec": required([named("In"), named("NotIn")])}, {})) == 1
	count(answers({"gpu": nvidia, "spec": required([])}, {})) == 1
}
