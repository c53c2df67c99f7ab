package karb.rbac.sa_default_test

import data.karb.rbac.sa_default

deployment(spec) := {
	"params": {"sa-default": {}},
	"workload": {"kind": "Deployment", "role": "serving", "injects": []},
	"object": {"metadata": {"name": "llm"}},
	"pods": [{"path": ["spec", "template", "spec"], "spec": spec, "containers": []}],
}

test_no_name_and_the_default_s_are_the_same if {
	every spec in [{}, {"serviceAccountName": ""}, {"serviceAccountName": "default"}] {
		sa_default.violations == {{
			"check": "default",
			"path": ["spec", "template", "spec", "serviceAccountName"],
			"detail": {},
		}} with input as deployment(spec)
	}
}

test_an_account_of_its_own if {
	sa_default.violations == set() with input as deployment({"serviceAccountName": "llm"})
}

ray(autoscaling) := {
	"params": {"sa-default": {}},
	"workload": {"kind": "RayCluster", "role": "serving", "injects": []},
	"object": {"spec": {"enableInTreeAutoscaling": autoscaling}},
	"pods": [{"path": ["spec", "headGroupSpec", "template", "spec"], "spec": {}, "containers": []}],
}

test_kuberay_s_autoscaler_has_an_account if {
	sa_default.violations == set() with input as ray(true)
	count(sa_default.violations) == 1 with input as ray(false)
}

test_runtimes_and_static_pods if {
	sa_default.violations == set() with input as object.union(deployment({}), {"workload": {"role": "runtime"}})
	mirror := {"object": {"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}}}
	sa_default.violations == set() with input as object.union(deployment({}), mirror)
}

test_an_open_container_leaves_it_undecided if {
	pod := {"path": ["spec"], "spec": {}, "containers": [{"name": "model", "open": true}]}
	[v] := [v | some v in sa_default.violations] with input as object.union(deployment({}), {"pods": [pod]})
	is_string(v.unknown)
}

test_an_unknown_operator_may_choose_an_account if {
	discovered := {"workload": {"discovered": true}}
	[v] := [v | some v in sa_default.violations] with input as object.union(deployment({}), discovered)
	contains(v.unknown, "not known")
	named := object.union(deployment({"serviceAccountName": "default"}), discovered)
	count([w | some w in sa_default.violations; not w.unknown]) == 1 with input as named
}
