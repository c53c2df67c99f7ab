package karb.autoscaling.as_target_test

import data.karb.autoscaling.as_target

entry(reference) := {"target": reference, "metrics": [], "triggers": []}

checks(reference, context) := {v.check |
	some v in as_target.violations with input as {"object": {"metadata": {"name": "llm"}}, "autoscaler": entry(reference), "context": context, "params": {"as-target": {}}}
	not v.unknown
}

llm := {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"}

test_a_target_that_is_there_passes if checks(llm, {"scaletarget": {"found": true, "controlled": false}}) == set()

test_a_missing_one if checks(llm, {"scaletarget": {"found": false, "controlled": false}}) == {"missing"}

test_an_owned_one if checks(llm, {"scaletarget": {"found": true, "controlled": true}}) == {"owned"}

test_one_that_sleeps if {
	checks(llm, {"scaletarget": {"found": true, "controlled": false, "asleep": true}}) == {"asleep"}
	checks(llm, {"scaletarget": {"found": true, "controlled": false, "asleep": false}}) == set()
}

test_no_subresource if checks({"apiVersion": "ray.io/v1", "kind": "RayService", "name": "llm"}, {}) == {"subresource"}

test_a_wrong_group if checks({"apiVersion": "extensions/v1", "kind": "Deployment", "name": "llm"}, {}) == {"group"}

test_what_is_not_visible_is_undecided if checks(llm, {}) == set()

test_an_hpa_of_no_group_is_refused_before if {
	reference := {"apiVersion": "v1", "kind": "Deployment", "name": "llm"}
	found := {v.check | some v in as_target.violations with input as {"object": {"metadata": {}}, "autoscaler": {"kind": "HorizontalPodAutoscaler", "target": reference}, "context": {}, "params": {"as-target": {}}}}
	not "group" in found
	checks(reference, {}) == {"group"}
}
