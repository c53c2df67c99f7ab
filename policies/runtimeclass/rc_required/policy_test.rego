package karb.runtimeclass.rc_required_test

import data.karb.lib.build
import data.karb.runtimeclass.rc_required

nvidia := build.gpu_of("nvidia.com/gpu", "nvidia", 1)

answers(vendors, pod) := found if {
	changed := object.union({"gpu": nvidia}, pod)
	document := build.document({"rc-required": {"vendors": vendors}}, [build.pod(changed)])
	found := rc_required.violations with input as document
}

test_a_gpu_workload_without_one_is_reported if {
	answers([], {}) == {{
		"check": "missing",
		"path": ["spec", "template", "spec", "runtimeClassName"],
		"detail": {"resources": ["nvidia.com/gpu"]},
	}}
}

test_a_name_passes_and_an_empty_one_is_none if {
	answers([], {"spec": {"runtimeClassName": "nvidia"}}) == set()
	count(answers([], {"spec": {"runtimeClassName": ""}})) == 1
}

test_only_the_vendors_that_need_one if {
	answers(["amd"], {}) == set()
	count(answers(["amd", "nvidia"], {})) == 1
}

test_a_cpu_pod_needs_none if answers([], {"gpu": build.pod({}).gpu}) == set()

test_an_open_container_leaves_it_undecided if {
	every v in answers([], {"containers": [build.container({"open": true})]}) {
		contains(v.unknown, "merged")
	}
}
