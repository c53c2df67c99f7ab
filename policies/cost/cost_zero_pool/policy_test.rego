package karb.cost.cost_zero_pool_test

import data.karb.cost.cost_zero_pool

found(keeps, params) := {v.check | some v in answers} if {
	answers := cost_zero_pool.violations with input as {
		"params": {"cost-zero-pool": object.union({"floor": {}, "exempt": []}, params)},
		"context": {"nodepools": [{"name": "a100", "evidence": "nvidia.com/gpu", "keeps": keeps}]},
	}
}

keep(check, value) := {"check": check, "path": ["spec"], "value": value}

test_whatever_keeps_nodes if {
	every check in ["floor", "static"] { found([keep(check, 2)], {}) == {check} }
	found([keep("never", "Never"), keep("budget", "0")], {}) == {"never", "budget"}
	found([], {}) == set()
}

test_a_warm_pool_may_keep_its_floor if {
	found([keep("floor", 2)], {"floor": {"a*": 2}}) == set()
	found([keep("floor", 3)], {"floor": {"a*": 2}}) == {"floor"}
	found([keep("floor", 2)], {"floor": {"h100": 2}}) == {"floor"}
	found([keep("never", "Never")], {"floor": {"a*": 2}}) == {"never"}
}

test_an_exempt_pool if found([keep("static", 2)], {"exempt": ["a100"]}) == set()

test_without_its_facts_it_is_undecided if {
	[v] := [v | some v in cost_zero_pool.violations] with input as {
		"params": {"cost-zero-pool": {"floor": {}, "exempt": []}}, "context": {},
	}
	is_string(v.unknown)
}
