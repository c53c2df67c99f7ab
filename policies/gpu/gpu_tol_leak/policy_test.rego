package karb.gpu.gpu_tol_leak_test

import data.karb.gpu.gpu_tol_leak
import data.karb.lib.build

params := {"namespaces": ["gpu-operator"], "kinds": ["monitoring.example.com/*"]}

document(pod, changes) := object.union(build.document({"gpu-tol-leak": params}, [build.pod(pod)]), changes)

answers(pod, changes) := found if found := gpu_tol_leak.violations with input as document(pod, changes)

cpu_pod := {"tolerations": [build.toleration({})], "containers": [build.container({})]}

test_a_toleration_without_gpu_leaks if {
	answers(cpu_pod, {}) == {{
		"check": "leak",
		"path": ["spec", "template", "spec", "tolerations", 0],
		"detail": {"toleration": "nvidia.com/gpu:NoSchedule"},
	}}
}

test_each_toleration_is_reported if {
	second := build.toleration({"path": ["spec", "template", "spec", "tolerations", 1], "key": "amd.com/gpu"})
	count(answers(object.union(cpu_pod, {"tolerations": [build.toleration({}), second]}), {})) == 2
}

test_a_gpu_workload_may_tolerate if {
	gpu := build.gpu_of("nvidia.com/gpu", "nvidia", 1)
	answers(object.union(cpu_pod, {"gpu": gpu}), {}) == set()
}

test_access_without_accounting_is_no_request if {
	count(answers(object.union(cpu_pod, {"gpu": {"unaccounted": true}}), {})) == 1
}

test_other_taints_and_keyless_tolerations_are_not_its_business if {
	answers({"tolerations": [build.toleration({"gpu": false, "key": "dedicated"})]}, {}) == set()
	answers({"tolerations": [build.toleration({"gpu": false, "wild": true, "key": ""})]}, {}) == set()
	answers({"tolerations": [build.toleration({"gpu": true, "wild": true, "key": ""})]}, {}) == set()
}

test_system_roles_and_the_allowlist_may_tolerate if {
	answers(cpu_pod, {"workload": {"role": "system"}}) == set()
	answers(cpu_pod, {"object": {"metadata": {"namespace": "gpu-operator"}}}) == set()
	answers(cpu_pod, {"workload": {"group": "monitoring.example.com", "kind": "Exporter"}}) == set()
}

test_an_unresolved_claim_leaves_it_undecided if {
	found := answers(object.union(cpu_pod, {"gpu": {"unknown": "claim c"}}), {})
	{v.unknown | some v in found} == {"claim c"}
}

test_an_open_container_may_bring_the_gpu if {
	open := object.union(cpu_pod, {"containers": [build.container({"open": true})]})
	{v.unknown | some v in answers(open, {})} == {"container server is merged with one that is not visible here"}
}

test_a_runtime_template_that_nothing_completes_leaks if {
	count({v | some v in answers(cpu_pod, {"workload": {"role": "runtime"}}); not v.unknown}) == 1
}
