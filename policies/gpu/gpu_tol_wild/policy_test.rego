package karb.gpu.gpu_tol_wild_test

import data.karb.gpu.gpu_tol_wild
import data.karb.lib.build

wild := build.toleration({"key": "", "effect": "", "gpu": false, "wild": true})

answers(toleration, changes) := found if {
	document := build.document(
		{"gpu-tol-wild": {"namespaces": ["kube-system"], "kinds": []}},
		[build.pod({"tolerations": [toleration]})],
	)
	found := gpu_tol_wild.violations with input as object.union(document, changes)
}

test_a_keyless_toleration_fails if {
	answers(wild, {}) == {{
		"check": "wild",
		"path": ["spec", "template", "spec", "tolerations", 0],
		"detail": {"effect": "any effect"},
	}}
}

test_an_effect_does_not_tame_it if {
	found := answers(object.union(wild, {"effect": "NoExecute"}), {})
	{v.detail.effect | some v in found} == {"effect NoExecute"}
}

test_a_gpu_workload_may_not_either if {
	count(answers(wild, {"pods": [build.pod({
		"gpu": build.gpu_of("nvidia.com/gpu", "nvidia", 1),
		"tolerations": [wild],
	})]})) == 1
}

test_a_key_passes if answers(build.toleration({}), {}) == set()

test_system_roles_and_the_allowlist_pass if {
	answers(wild, {"workload": {"role": "system"}}) == set()
	answers(wild, {"object": {"metadata": {"namespace": "kube-system"}}}) == set()
}
