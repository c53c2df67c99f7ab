package karb.network.np_boundary_test

import data.karb.lib.build
import data.karb.network.np_boundary

params := {"annotation": "karb.dev/boundary", "zones": ["L1", "L2", "L4", "external"]}

answers(allows, annotations) := found if {
	whole := build.network_policy({"np-boundary": params}, allows)
	found := np_boundary.violations with input as object.union(whole, {"object": {"metadata": {"annotations": annotations}}})
}

named(value) := {answer.check | some answer in answers([build.allow({})], {"karb.dev/boundary": value})}

test_an_allow_names_its_boundary if {
	answers([build.allow({}), build.allow({"direction": "Ingress"})], {}) == {{
		"check": "missing",
		"path": ["metadata", "annotations", "karb.dev/boundary"],
		"detail": {"annotation": "karb.dev/boundary", "directions": ["egress", "ingress"]},
	}}
}

test_one_boundary_or_several if {
	named("L2-to-L4") == set()
	named("L1-to-L2, L2-to-L4") == set()
	named("L4-to-L4") == set()
	named("L4-to-external") == set()
}

test_what_is_no_boundary if {
	every value in ["L2", "L2-L4", "L2-to-", "L2-to-L9", "l2-to-l4", "L1-to-L2-to-L4", "L2-to-L4,", "L2 to L4"] {
		named(value) == {"format"}
	}
	named("") == {"missing"}
	named(" ") == {"missing"}
}

test_the_wrong_part_is_named if {
	[answer] := [each | some each in answers([build.allow({})], {"karb.dev/boundary": "L2-to-L4,x"})]
	answer.detail.part == "x"
}

test_denials_and_dns_need_none if {
	answers([], {}) == set()
	answers([build.allow({"dns": true})], {}) == set()
	count(answers([build.allow({"dns": true}), build.allow({})], {})) == 1
}
