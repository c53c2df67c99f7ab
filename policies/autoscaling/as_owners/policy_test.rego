package karb.autoscaling.as_owners_test

import data.karb.autoscaling.as_owners

known(changes) := {"apiowners": object.union(
	{"group": "external.metrics.k8s.io", "service": "keda/keda-operator-metrics-apiserver", "others": [], "scaledobjects": []},
	changes,
)}

violations(context) := answer if {
	answer := as_owners.violations with input as {"object": {"spec": {"group": "external.metrics.k8s.io"}}, "context": context, "params": {"as-owners": {"keda": ["*keda*"]}}}
}

checks(context) := {v.check | some v in violations(context); not v.unknown}

adapter := "monitoring/prometheus-adapter"

test_one_owner_passes if {
	checks(known({"scaledobjects": ["llm"]})) == set()
	checks(known({"service": adapter})) == set()
}

test_two if checks(known({"others": [adapter]})) == {"twice"}

test_an_adapter_beside_scaledobjects if checks(known({"service": adapter, "scaledobjects": ["llm"]})) == {"keda"}

test_a_group_of_the_api_server_s_own if checks(known({"service": null, "scaledobjects": ["llm"]})) == set()

test_without_knowledge_it_is_undecided if count([v | some v in violations({}); v.unknown]) == 1
