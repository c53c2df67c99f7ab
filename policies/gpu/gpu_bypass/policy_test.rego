package karb.gpu.gpu_bypass_test

import data.karb.gpu.gpu_bypass
import data.karb.lib.build

params := {"namespaces": ["gpu-operator"], "kinds": [], "passthrough": ["kata-*"]}

seen(test, path, value) := {"evidence": [{"test": test, "path": path, "value": value}]}

variable(value) := seen(5, ["spec", "containers", 0, "env", 0], concat("=", ["NVIDIA_VISIBLE_DEVICES", value]))

annotation := seen(5, ["metadata", "annotations", "cdi.k8s.io/g"], "cdi.k8s.io/g=nvidia.com/gpu=all")

answers(gpu, pod, changes) := found if {
	changed := object.union({"gpu": gpu}, pod)
	document := object.union(build.document({"gpu-bypass": params}, [build.pod(changed)]), changes)
	found := gpu_bypass.violations with input as document
}

checks(gpu) := {v.check | some v in answers(gpu, {}, {})}

test_each_way_has_its_words if {
	checks(variable("all")) == {"variable"}
	checks(annotation) == {"annotation"}
	checks(seen(6, ["spec", "volumes", 0, "hostPath", "path"], "/dev/dri")) == {"device-file"}
	checks(seen(6, ["spec", "containers", 0, "securityContext", "privileged"], "container c is privileged")) == {"privileged"}
}

test_a_finding_says_what_and_where if {
	answers(variable("all"), {}, {}) == {{
		"check": "variable",
		"path": ["spec", "containers", 0, "env", 0],
		"detail": {"value": "NVIDIA_VISIBLE_DEVICES=all"},
	}}
}

test_other_evidence_is_none_of_its_business if {
	every test in [1, 2, 3, 4, 7, 8] {
		checks(seen(test, ["spec"], "x")) == set()
	}
}

test_a_value_from_elsewhere_is_undecided if {
	found := answers(variable("(valueFrom)"), {}, {})
	every v in found {
		contains(v.unknown, "comes from elsewhere")
	}
	count(found) == 1
}

test_the_kai_scheduler_sets_the_variable_itself if {
	answers(variable("(valueFrom)"), {"annotations": {"gpu-fraction": "0.5"}}, {}) == set()
	count(answers(variable("all"), {"annotations": {"gpu-fraction": "0.5"}}, {})) == 1
}

test_a_virtual_machine_is_handed_what_it_requests if {
	kata := {"spec": {"runtimeClassName": "kata-qemu"}}
	requested := object.union(annotation, {"workload": true})
	answers(requested, kata, {}) == set()
	count(answers(annotation, kata, {})) == 1
	count(answers(requested, {"spec": {"runtimeClassName": "nvidia"}}, {})) == 1
	count(answers(object.union(variable("all"), {"workload": true}), kata, {})) == 1
}

test_the_gpu_stack_may if {
	answers(variable("all"), {}, {"object": {"metadata": {"namespace": "gpu-operator"}}}) == set()
}

by_kind(kinds) := {"params": {"gpu-bypass": {"kinds": kinds}}}

test_kinds_may if {
	answers(variable("all"), {}, by_kind(["apps/Deployment"])) == set()
	count(answers(variable("all"), {}, by_kind(["apps/DaemonSet"]))) == 1
	of_daemonset := object.union(by_kind(["apps/DaemonSet"]), {"workload": {"kind": "Pod", "group": "", "role": "system"}})
	answers(variable("all"), {}, of_daemonset) == set()
}
