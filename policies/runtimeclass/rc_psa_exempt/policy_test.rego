package karb.runtimeclass.rc_psa_exempt_test

import data.karb.lib.build
import data.karb.runtimeclass.rc_psa_exempt

answers(params, spec, metadata) := found if {
	defaults := {"exempt": ["kata-qemu"], "namespaces": []}
	document := build.document({"rc-psa-exempt": object.union(defaults, params)}, [build.pod({"spec": spec})])
	found := rc_psa_exempt.violations with input as object.union(document, {"object": {"metadata": metadata}})
}

kata := {"runtimeClassName": "kata-qemu"}

test_an_exempt_class_is_reported if {
	answers({}, kata, {}) == {{
		"check": "exempt",
		"path": ["spec", "template", "spec", "runtimeClassName"],
		"detail": {"runtimeClass": "kata-qemu", "namespace": "inference"},
	}}
}

test_names_are_exact_as_in_the_configuration if {
	answers({"exempt": ["kata-*"]}, kata, {}) == set()
	answers({"exempt": []}, kata, {}) == set()
}

test_allowed_namespaces_pass if {
	answers({"namespaces": ["infer*"]}, kata, {}) == set()
	count(answers({"namespaces": ["other"]}, kata, {})) == 1
}

test_without_a_namespace_it_is_undecided_if_some_may if {
	nameless := {"namespace": ""}
	every v in answers({"namespaces": ["sandbox"]}, kata, nameless) {
		contains(v.unknown, "no namespace")
	}
	found := answers({}, kata, nameless)
	{v | some v in found; not v.unknown} == found
	count(found) == 1
}

test_no_class_passes if answers({}, {}, {}) == set()
