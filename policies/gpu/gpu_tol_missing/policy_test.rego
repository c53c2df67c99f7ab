package karb.gpu.gpu_tol_missing_test

import data.karb.gpu.gpu_tol_missing
import data.karb.lib.build

params := {
	"taints": {"nvidia": "nvidia.com/gpu", "amd": "amd.com/gpu"},
	"effect": "NoSchedule",
	"injected": false,
}

nvidia := build.gpu_of("nvidia.com/gpu", "nvidia", 1)

answers(pod, changes) := found if {
	document := build.document({"gpu-tol-missing": params}, [build.pod(pod)])
	found := gpu_tol_missing.violations with input as object.union(document, changes)
}

tolerating(changes) := {"gpu": nvidia, "tolerations": [build.toleration(changes)]}

test_no_toleration_is_reported_at_the_missing_field if {
	answers({"gpu": nvidia}, {}) == {{
		"check": "missing",
		"path": ["spec", "template", "spec", "tolerations"],
		"detail": {"key": "nvidia.com/gpu", "effect": "NoSchedule", "resources": ["nvidia.com/gpu"]},
	}}
}

test_key_value_and_effect_variants_that_match_pass if {
	answers(tolerating({}), {}) == set()
	answers(tolerating({"operator": "Equal", "value": "present"}), {}) == set()
	answers(tolerating({"effect": ""}), {}) == set()
	answers(tolerating({"key": "", "effect": "", "gpu": false, "wild": true}), {}) == set()
}

test_another_key_or_effect_does_not_help if {
	count(answers(tolerating({"key": "amd.com/gpu"}), {})) == 1
	count(answers(tolerating({"effect": "NoExecute"}), {})) == 1
	count(answers(tolerating({"key": "", "effect": "NoExecute", "gpu": false, "wild": true}), {})) == 1
}

test_the_pool_may_have_its_own_taint if {
	own := {"params": {"gpu-tol-missing": {"taints": {"nvidia": "sku"}, "effect": "NoExecute"}}}
	answers(tolerating({"key": "sku", "effect": "NoExecute", "gpu": false}), own) == set()
	{v.detail.key | some v in answers(tolerating({}), own)} == {"sku"}
}

test_a_vendor_without_a_taint_is_not_checked if {
	answers({"gpu": build.gpu_of("gpu.intel.com/i915", "intel", 1)}, {}) == set()
}

test_every_vendor_counts if {
	both := object.union(nvidia, {"vendors": ["amd", "nvidia"]})
	{v.detail.key | some v in answers({"gpu": both, "tolerations": [build.toleration({})]}, {})} == {"amd.com/gpu"}
}

test_a_cpu_pod_needs_none if answers({"containers": [build.container({})]}, {}) == set()

test_operators_that_inject_are_skipped if {
	answers({"gpu": nvidia}, {"workload": {"injects": ["tolerations"]}}) == set()
}

test_the_admission_plugin_tolerates_the_resource_name_only if {
	injected := {"params": {"gpu-tol-missing": {"injected": true}}}
	answers({"gpu": nvidia}, injected) == set()
	count(answers({"gpu": build.gpu_of("nvidia.com/mig-1g.10gb", "nvidia", 1)}, injected)) == 1
	class := "deviceclass.resource.kubernetes.io/gpu"
	native := {"params": {"gpu-tol-missing": {"injected": true, "taints": {"nvidia": class}}}}
	count(answers({"gpu": build.gpu_of(class, "nvidia", 2)}, native)) == 1
}

test_an_unknown_vendor_is_undecided_unless_a_gpu_taint_is_tolerated if {
	anonymous := object.union(nvidia, {"vendors": []})
	every v in answers({"gpu": anonymous}, {}) {
		contains(v.unknown, "vendor")
	}
	count(answers({"gpu": anonymous}, {})) == 1
	answers({"gpu": anonymous, "tolerations": [build.toleration({"key": "habana.ai/gaudi"})]}, {}) == set()
}

test_a_runtime_or_queue_may_bring_the_toleration if {
	open := {"gpu": nvidia, "containers": [build.container({"open": true})]}
	contains([v.unknown | some v in answers(open, {})][0], "merged")
	queued := {"gpu": nvidia, "labels": {"kueue.x-k8s.io/queue-name": "a"}}
	contains([v.unknown | some v in answers(queued, {})][0], "Kueue")
}

on_gke(key) := {"gpu": nvidia, "selectors": [{"path": [], "key": key, "values": ["a"], "gpu": false}]}

test_gke_adds_it if {
	answers(on_gke("cloud.google.com/gke-nodepool"), {}) == set()
	count(answers(on_gke("topology.kubernetes.io/zone"), {})) == 1
	tpu := {"params": {"gpu-tol-missing": {"taints": {"google": "google.com/tpu"}}}}
	answers({"gpu": build.gpu_of("google.com/tpu", "google", 1)}, tpu) == set()
}

test_the_plugin_adds_one_for_the_resource_and_noschedule if {
	gke := on_gke("cloud.google.com/gke-nodepool")
	count(answers(gke, {"params": {"gpu-tol-missing": {"effect": "NoExecute"}}})) == 1
	count(answers(gke, {"params": {"gpu-tol-missing": {"taints": {"nvidia": "sku"}}}})) == 1
}
