package karb.rbac.sa_automount_test

import data.karb.rbac.sa_automount

pod(spec, containers) := {"path": ["spec"], "spec": spec, "containers": containers}

given(each, context, needed) := {
	"params": {"sa-automount": {"needed": needed}},
	"workload": {"kind": "Pod", "role": "pod", "injects": []},
	"object": {"metadata": {"name": "llm"}},
	"pods": [each],
	"context": context,
}

answers(spec, context) := found if {
	found := sa_automount.violations with input as given(pod(spec, []), context, [])
}

account(automount, bindings) := {"serviceaccounts": {"llm": {"automount": automount, "bindings": bindings}}}

own(changes) := object.union({"serviceAccountName": "llm"}, changes)

decided(spec, context) := {v.detail.why | some v in answers(spec, context); not v.unknown}

test_mounted_unless_somebody_says_no if {
	decided(own({}), account(null, [])) == {"automountServiceAccountToken is not set"}
	decided(own({}), account(true, [])) == {"automountServiceAccountToken is not set"}
	decided(own({"automountServiceAccountToken": true}), account(false, [])) == {"automountServiceAccountToken is true"}
	answers(own({"automountServiceAccountToken": false}), account(true, [])) == set()
	answers(own({"automountServiceAccountToken": false}), {}) == set()
	answers(own({}), account(false, [])) == set()
}

test_a_binding_shows_that_it_is_needed if {
	answers(own({}), account(null, ["RoleBinding llm"])) == set()
}

test_what_is_not_visible_leaves_it_undecided if {
	every context in [{}, {"serviceaccounts": {}}] {
		[v] := [v | some v in answers(own({}), context)]
		contains(v.unknown, "ServiceAccount llm")
	}
}

test_accounts_of_the_parameter if {
	sa_automount.violations == set() with input as given(pod(own({}), []), account(null, []), ["l*"])
}

mounts(name) := [{"name": "server", "open": false, "spec": {"volumeMounts": [{
	"name": name, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
}]}}]

test_something_of_its_own_at_the_token_s_place if {
	sa_automount.violations == set() with input as given(pod(own({}), mounts("vault")), account(null, []), [])
}

test_the_volume_of_the_admission_plugin_shows_it if {
	context := account(false, [])
	[v] := [v | some v in sa_automount.violations] with input as given(pod(own({}), mounts("kube-api-access-x2")), context, [])
	v.detail.why == "the API server has added it"
}

test_an_operator_that_brings_what_uses_it if {
	workflow := object.union(given(pod({}, []), {}, []), {"workload": {"injects": ["token"]}})
	sa_automount.violations == set() with input as workflow
}
