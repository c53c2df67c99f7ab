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

known(names, complete) := {"context": {"runtimeclasses": {"names": names, "complete": complete}}}

checks(name, context) := {v.check | some v in found} if {
	params := {"rc-approved": {"approved": ["gvisor", "nvidia"], "created": ["nvidia"]}}
	document := build.document(params, [build.pod({"spec": {"runtimeClassName": name}})])
	found := rc_approved.violations with input as object.union(document, context)
}

test_an_approved_class_must_exist_where_classes_are_known if {
	checks("gvisor", known(["nvidia"], false)) == {"missing"}
	checks("gvisor", known(["gvisor"], false)) == set()
	checks("gvisor", {}) == set()
}

test_what_an_operator_makes_is_missing_only_in_a_cluster if {
	checks("nvidia", known(["gvisor"], false)) == set()
	checks("nvidia", known(["gvisor"], true)) == {"missing"}
}

test_an_unapproved_class_is_said_to_be_that if {
	checks("youki", known([], true)) == {"unapproved"}
	checks("youki", {}) == {"unapproved"}
}
