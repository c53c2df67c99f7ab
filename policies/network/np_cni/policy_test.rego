package karb.network.np_cni_test

import data.karb.network.np_cni

namespace(name, annotations, context) := {
	"params": {"np-cni": {
		"namespace": "kube-system", "annotation": "karb.dev/networkpolicy-observed", "maxAgeDays": 90,
	}},
	"today": "2026-11-25",
	"object": {"metadata": {"name": name, "annotations": annotations}},
	"context": context,
}

answers(annotations, context) := found if {
	found := np_cni.violations with input as namespace("kube-system", annotations, context)
}

observed(date) := {"karb.dev/networkpolicy-observed": date}

checks(date) := {v.check | some v in answers(observed(date), {})}

test_a_recent_day_is_proof if {
	every date in ["2026-11-25", "2026-11-24", "2026-08-27"] { checks(date) == set() }
}

test_an_old_day_is_none if {
	checks("2026-08-26") == {"old"}
	[v] := [v | some v in answers(observed("2025-11-25"), {})]
	v.detail.days == 365
}

test_what_is_no_day_that_has_been if {
	every date in ["2026-11-26", "2099-01-01", "2026-02-29", "yes", "", "2026-11-25T10:00:00Z"] {
		checks(date) == {"invalid"}
	}
}

test_no_annotation if {
	[v] := [v | some v in answers({}, {})]
	v.check == "unobserved"
	v.detail.plugins == ""
}

test_plugins_are_named_and_prove_nothing if {
	context := {"networkplugins": [
		{"plugin": "Cilium", "name": "DaemonSet kube-system/cilium", "enforces": "yes"},
		{"plugin": "Flannel", "name": "DaemonSet kube-flannel/kube-flannel-ds", "enforces": "no"},
	]}
	[v] := [v | some v in answers({}, context)]
	v.detail.plugins == concat("", [
		"; Cilium (DaemonSet kube-system/cilium) can enforce them, which is no proof, ",
		"Flannel (DaemonSet kube-flannel/kube-flannel-ds) does not enforce them",
	])
}

test_one_namespace_stands_for_the_cluster if {
	np_cni.violations == set() with input as namespace("inference", {}, {})
}
