package karb.runtimeclass.rc_approved_test

import data.karb.lib.build
import data.karb.runtimeclass.rc_approved

answers(approved, spec) := found if {
	document := build.document({"rc-approved": {"approved": approved}}, [build.pod({"spec": spec})])
	found := rc_approved.violations with input as document
}

test_no_runtime_class_passes if answers([], {}) == set()

test_an_empty_name_is_no_runtime_class if answers([], {"runtimeClassName": ""}) == set()

test_exact_names_and_globs_pass if {
	answers(["nvidia"], {"runtimeClassName": "nvidia"}) == set()
	answers(["kata-*"], {"runtimeClassName": "kata-qemu.nvidia-gpu"}) == set()
}

test_a_name_must_match_as_a_whole if {
	count(answers(["nvidia", "kata-*"], {"runtimeClassName": "nvidia-debug"})) == 1
	count(answers(["nvidia", "kata-*"], {"runtimeClassName": "my-kata-qemu"})) == 1
}

test_the_finding_names_the_class_and_the_list if {
	answers(["nvidia"], {"runtimeClassName": "youki"}) == {{
		"check": "unapproved",
		"path": ["spec", "template", "spec", "runtimeClassName"],
		"detail": {"runtimeClass": "youki", "approved": ["nvidia"]},
	}}
}
