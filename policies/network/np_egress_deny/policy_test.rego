package karb.network.np_egress_deny_test

import data.karb.lib.build
import data.karb.network.np_egress_deny

deny := {"name": "default-deny", "podSelector": {}, "policyTypes": ["Egress"], "ingress": [], "egress": []}

document(policies, pod) := object.union(
	build.document({"np-egress-deny": {"mode": "namespace"}}, [build.pod(pod)]),
	{"context": {"networkpolicies": policies}},
)

answers(policies) := found if {
	found := np_egress_deny.violations with input as document(policies, {})
}

checks(policies) := {answer.check | some answer in answers(policies)}

test_default_deny_passes if {
	checks([deny]) == set()
	checks([object.union(deny, {"policyTypes": ["Ingress", "Egress"]})]) == set()
	checks([object.union(deny, {"podSelector": {"matchLabels": {}, "matchExpressions": []}})]) == set()
	checks([object.remove(deny, ["podSelector", "egress"])]) == set()
}

test_no_policy_fails if {
	answers([]) == {{"check": "missing", "path": ["metadata", "namespace"], "detail": {"namespace": "inference"}}}
}

test_what_is_no_default_deny if {
	every change in [
		{"podSelector": {"matchLabels": {"app": "llm"}}},
		{"podSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}},
		{"policyTypes": ["Ingress"]},
		{"policyTypes": []},
		{"egress": [{}]},
	] {
		checks([object.union(deny, change)]) == {"missing"}
	}
}

test_one_of_several_is_enough if {
	checks([object.union(deny, {"policyTypes": ["Ingress"]}), deny]) == set()
}

test_unknown_without_context if {
	without := build.document({"np-egress-deny": {"mode": "namespace"}}, [build.pod({"spec": {"hostNetwork": true}})])
	found := np_egress_deny.violations with input as without
	count(found) == 1
	every answer in found { is_string(answer.unknown) }
}

test_host_network_is_beyond_policies if {
	every policies in [[deny], []] {
		found := np_egress_deny.violations with input as document(policies, {"spec": {"hostNetwork": true}})
		found == {{"check": "hostNetwork", "path": ["spec", "template", "spec", "hostNetwork"], "detail": {}}}
	}
}

test_mixed_pods if {
	mixed := object.union(document([], {}), {"pods": [build.pod({}), build.pod({"spec": {"hostNetwork": true}})]})
	found := {answer.check | some answer in np_egress_deny.violations} with input as mixed
	found == {"missing", "hostNetwork"}
}

test_runtime_templates_run_nothing if {
	runtime := object.union(document([], {}), {"workload": {"role": "runtime"}})
	count(np_egress_deny.violations) == 0 with input as runtime
}

effective(pods, isolation) := found if {
	whole := build.document({"np-egress-deny": {"mode": "effective"}}, [build.pod(pod) | some pod in pods])
	context := {"context": {"isolation": [{"egress": {"isolated": each}} | some each in isolation]}}
	found := np_egress_deny.violations with input as object.union(whole, context)
}

test_effective_mode_looks_at_each_pod if {
	effective([{}], [true]) == set()
	effective([{}, {}], [true, true]) == set()
	open := {"check": "open", "path": ["spec", "template", "metadata", "labels"], "detail": {"namespace": "inference"}}
	effective([{}, {}], [true, false]) == {open}
}

test_effective_mode_is_undecided_about_labels_it_cannot_see if {
	[answer] := [each | some each in effective([{}], [null])]
	is_string(answer.unknown)
}

test_effective_mode_is_undecided_without_context if {
	without := build.document({"np-egress-deny": {"mode": "effective"}}, [build.pod({})])
	[answer] := [each | some each in np_egress_deny.violations] with input as without
	is_string(answer.unknown)
}

test_effective_mode_reports_the_network_of_the_host if {
	{answer.check | some answer in effective([{"spec": {"hostNetwork": true}}], [false])} == {"hostNetwork"}
}
