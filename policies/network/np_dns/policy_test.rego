package karb.network.np_dns_test

import data.karb.lib.build
import data.karb.network.np_dns

egress(isolated, dns) := {"egress": {"isolated": isolated, "policies": ["default-deny"]}, "dns": dns}

answers(pod, isolation) := found if {
	whole := build.document({"np-dns": {}}, [build.pod(pod)])
	found := np_dns.violations with input as object.union(whole, {"context": {"isolation": [isolation]}})
}

test_closed_dns_is_reported_at_the_labels if {
	answers({}, egress(true, false)) == {{
		"check": "closed",
		"path": ["spec", "template", "metadata", "labels"],
		"detail": {"policies": ["default-deny"]},
	}}
}

test_open_dns_passes if {
	answers({}, egress(true, true)) == set()
	answers({}, egress(false, true)) == set()
}

test_what_is_not_visible_leaves_it_undecided if {
	[answer] := [each | some each in answers({}, egress(true, null))]
	is_string(answer.unknown)
}

test_pods_on_the_network_of_their_host_are_beyond_policies if {
	answers({"spec": {"hostNetwork": true}}, egress(true, false)) == set()
}

test_other_name_servers_leave_it_undecided if {
	every policy in ["None", "Default"] {
		[answer] := [each | some each in answers({"spec": {"dnsPolicy": policy}}, egress(true, false))]
		is_string(answer.unknown)
		answers({"spec": {"dnsPolicy": policy}}, egress(false, true)) == set()
	}
	count(answers({"spec": {"dnsPolicy": "ClusterFirst"}}, egress(true, false))) == 1
}

test_each_pod_has_its_own_isolation if {
	whole := build.document({"np-dns": {}}, [build.pod({}), build.pod({"metadataPath": ["spec", "other"]})])
	context := {"context": {"isolation": [egress(true, true), egress(true, false)]}}
	found := np_dns.violations with input as object.union(whole, context)
	{answer.path | some answer in found} == {["spec", "other", "labels"]}
}

test_unknown_without_context if {
	[answer] := [each | some each in np_dns.violations] with input as build.document({"np-dns": {}}, [build.pod({})])
	is_string(answer.unknown)
}

test_runtime_templates_run_nothing if {
	whole := object.union(build.document({"np-dns": {}}, [build.pod({})]), {"workload": {"role": "runtime"}})
	np_dns.violations == set() with input as whole
}
