package karb.network.np_broad_test

import data.karb.lib.build
import data.karb.network.np_broad

answers(allows) := found if {
	found := np_broad.violations with input as build.network_policy({"np-broad": {}}, allows)
}

block(changes) := build.allow({"peers": [build.block(changes)]})

test_no_peer_means_everybody if {
	answers([build.allow({"direction": "Ingress", "peersPath": ["spec", "ingress", 0, "from"]})]) == {{
		"check": "anybody",
		"path": ["spec", "ingress", 0, "from"],
		"detail": {"direction": "ingress", "field": "from"},
	}}
}

test_all_addresses_are_reported_at_the_cidr if {
	answers([block({"cidr": "::/0", "everywhere": true})]) == {{
		"check": "everywhere",
		"path": ["spec", "egress", 0, "to", 0, "ipBlock", "cidr"],
		"detail": {"direction": "egress", "cidr": "::/0"},
	}}
}

test_excepted_networks_do_not_make_it_narrow if {
	count(answers([block({"cidr": "0.0.0.0/0", "everywhere": true, "except": ["10.0.0.0/8"]})])) == 1
}

test_named_peers_pass if {
	answers([block({"cidr": "10.0.0.0/8", "everywhere": false})]) == set()
	answers([build.allow({"peers": [build.peer]})]) == set()
	answers([]) == set()
}
