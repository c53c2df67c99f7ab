package karb.resources.res_priority_test

import data.karb.lib.build
import data.karb.resources.res_priority

nvidia := build.gpu_of("nvidia.com/gpu", "nvidia", 1)

answers(approved, pod, changes) := found if {
	changed := object.union({"gpu": nvidia}, pod)
	document := object.union(build.document({"res-priority": {"approved": approved}}, [build.pod(changed)]), changes)
	found := res_priority.violations with input as document
}

named(name) := {"spec": {"priorityClassName": name}}

test_none_is_reported_at_the_missing_field if {
	answers([], {}, {}) == {{
		"check": "missing",
		"path": ["spec", "template", "spec", "priorityClassName"],
		"detail": {"resources": ["nvidia.com/gpu"]},
	}}
	{v.check | some v in answers(["gpu-*"], named(""), {})} == {"missing"}
}

test_any_class_counts_while_none_are_approved if answers([], named("anything"), {}) == set()

test_only_approved_classes_count if {
	answers(["gpu-*"], named("gpu-serving"), {}) == set()
	{v.detail.priorityClass | some v in answers(["gpu-*"], named("batch"), {})} == {"batch"}
}

test_a_cpu_pod_needs_none if {
	plain := {"gpu": build.pod({}).gpu}
	answers(["gpu-*"], plain, {}) == set()
	answers(["gpu-*"], object.union(plain, named("x")), {}) == set()
}

test_a_runtime_is_completed_by_others if answers([], {}, {"workload": {"role": "runtime"}}) == set()

test_an_open_container_leaves_it_undecided if {
	every v in answers([], {"containers": [build.container({"open": true})]}, {}) {
		contains(v.unknown, "merged")
	}
}
