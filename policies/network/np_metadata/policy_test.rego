package karb.network.np_metadata_test

import data.karb.lib.build
import data.karb.network.np_metadata

params := {"addresses": ["169.254.169.254", "fd00:ec2::254"], "ports": [80, 443]}

answers(allows) := found if {
	found := np_metadata.violations with input as build.network_policy({"np-metadata": params}, allows)
}

checks(allows) := {answer.check | some answer in answers(allows)}

block(cidr, except) := build.allow({"peers": [build.block({"cidr": cidr, "except": except})]})

ports(entries) := build.allow({"ports": entries})

numbers(protocol, first, last) := {"protocol": protocol, "first": first, "last": last, "error": null}

test_a_wide_block_contains_the_service if {
	answers([block("0.0.0.0/0", [])]) == {{
		"check": "block",
		"path": ["spec", "egress", 0, "to", 0, "ipBlock"],
		"detail": {"cidr": "0.0.0.0/0", "addresses": ["169.254.169.254"]},
	}}
	checks([block("169.254.0.0/16", [])]) == {"block"}
	checks([block("169.254.169.254/32", [])]) == {"block"}
}

test_ipv6_is_a_family_of_its_own if {
	[answer] := [each | some each in answers([block("::/0", [])])]
	answer.detail.addresses == ["fd00:ec2::254"]
	checks([block("::/0", ["fd00:ec2::254/128"])]) == set()
	checks([block("2001:db8::/32", [])]) == set()
}

test_except_of_the_same_rule_closes_it if {
	checks([block("0.0.0.0/0", ["169.254.169.254/32"])]) == set()
	checks([block("0.0.0.0/0", ["10.0.0.0/8", "169.254.0.0/16"])]) == set()
	checks([block("0.0.0.0/0", ["10.0.0.0/8"])]) == {"block"}
}

test_except_of_another_rule_does_not if {
	checks([block("0.0.0.0/0", ["169.254.0.0/16"]), block("0.0.0.0/0", [])]) == {"block"}
}

test_other_networks_and_pods_do_not_reach_it if {
	checks([block("10.0.0.0/8", [])]) == set()
	checks([build.allow({"peers": [build.peer]})]) == set()
}

test_a_rule_without_peers_reaches_everything if {
	[answer] := [each | some each in answers([build.allow({})])]
	answer.check == "anywhere"
	answer.path == ["spec", "egress", 0, "to"]
}

test_only_rules_for_the_ports_of_the_service_reach_it if {
	checks([ports([numbers("TCP", 443, 443)])]) == {"anywhere"}
	checks([ports([numbers("TCP", 1, 65535)])]) == {"anywhere"}
	checks([ports([numbers("UDP", 53, 53), numbers("TCP", 53, 53)])]) == set()
	checks([ports([numbers("UDP", 80, 80)])]) == set()
	checks([ports([{"protocol": "TCP", "name": "http", "error": null}])]) == set()
}

test_ingress_is_not_its_business if {
	checks([build.allow({"direction": "Ingress"})]) == set()
}

test_a_refused_peer_leaves_it_undecided if {
	refused := {"kind": "pods", "path": ["spec"], "error": "'10.0.0.0' is not a CIDR"}
	[answer] := [each | some each in answers([build.allow({"peers": [refused]})])]
	contains(answer.unknown, "is not a CIDR")
}

test_a_parameter_that_is_no_address_is_said if {
	whole := build.network_policy({"np-metadata": object.union(params, {"addresses": ["999.1.1.1"]})}, [block("0.0.0.0/0", [])])
	[answer] := [each | some each in np_metadata.violations] with input as whole
	contains(answer.unknown, "999.1.1.1")
}
