package karb.podsecurity.pss_rdma_test

import data.karb.podsecurity.pss_rdma

container(name, add) := {
	"name": name,
	"path": ["spec", "containers", 0],
	"spec": {"securityContext": {"capabilities": {"add": add}}},
}

answers(own, annotations, containers) := found if {
	found := pss_rdma.violations with input as {
		"params": {"pss-rdma": {}},
		"today": "2026-11-25",
		"object": {"metadata": {"annotations": own}},
		"pods": [{"annotations": annotations, "os": "linux", "containers": containers}],
	}
}

server := [container("server", ["SYS_PTRACE", "IPC_LOCK"])]

good := "RDMA until=2026-11-25"

test_the_capability_is_named_with_its_place if {
	answers({}, {}, server) == {{
		"check": "undated",
		"path": ["spec", "containers", 0, "securityContext", "capabilities", "add", 1],
		"detail": {"container": "server"},
	}}
}

test_other_capabilities_are_not_its_business if {
	answers({}, {}, [container("server", ["SYS_ADMIN"])]) == set()
}

test_a_waiver_on_the_object_the_template_or_for_the_container if {
	every key in [
		"waive.karb.dev/pss-baseline", "waive.karb.dev/KARB-PSS-001",
		"waive.karb.dev/pss-baseline.server", "waive.karb.dev/KARB-PSS-001.server",
	] {
		answers({key: good}, {}, server) == set()
		answers({}, {key: good}, server) == set()
	}
}

test_a_waiver_of_something_else if {
	every key in [
		"waive.karb.dev/pss-baseline.other", "waive.karb.dev/pss-restricted", "waive.karb.dev/pss-baseline.", "pss-baseline",
	] {
		count(answers({key: good}, {}, server)) == 1
	}
}

test_a_waiver_that_has_no_day_to_come_or_no_reason if {
	every text in ["RDMA until=2026-11-24", "RDMA", "until=2099-12-31", "RDMA until=soon", "RDMA until=2099-12-31 or so", ""] {
		count(answers({"waive.karb.dev/pss-baseline": text}, {}, server)) == 1
	}
}

test_a_reason_may_hold_anything if {
	answers({"waive.karb.dev/pss-baseline": "ticket=9 until=then,\n really until=2099-12-31 "}, {}, server) == set()
}
