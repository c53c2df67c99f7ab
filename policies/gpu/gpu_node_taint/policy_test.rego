package karb.gpu.gpu_node_taint_test

import data.karb.gpu.gpu_node_taint

taint(changes) := object.union(
	{"key": "nvidia.com/gpu", "value": "", "effect": "NoSchedule", "gpu": true, "path": ["spec", "taints", 0]},
	changes,
)

answers(node, params) := found if {
	found := gpu_node_taint.violations with input as {
		"params": {"gpu-node-taint": object.union({"taints": [], "exempt": []}, params)},
		"object": {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "gpu-1"}},
		"node": object.union(
			{
				"accelerators": [{"name": "nvidia.com/gpu", "vendor": "nvidia"}],
				"vendors": ["nvidia"], "taints": [], "taintsPath": ["spec", "taints"],
			},
			node,
		),
	}
}

checks(node, params) := {v.check | some v in answers(node, params)}

test_no_taint_is_reported_where_it_belongs if {
	answers({}, {}) == {{
		"check": "missing",
		"path": ["spec", "taints"],
		"detail": {"kind": "Node", "name": "gpu-1", "accelerators": ["nvidia.com/gpu"]},
	}}
}

test_a_gpu_taint_of_any_hard_effect_passes if {
	every effect in ["NoSchedule", "NoExecute"] {
		answers({"taints": [taint({"effect": effect})]}, {}) == set()
	}
}

test_a_preference_is_no_taint if {
	checks({"taints": [taint({"effect": "PreferNoSchedule"})]}, {}) == {"soft"}
	soft := taint({"effect": "PreferNoSchedule"})
	answers({"taints": [soft, taint({})]}, {}) == set()
}

test_another_taint_counts_when_it_is_configured if {
	own := {"taints": [taint({"key": "dedicated", "gpu": false})]}
	checks(own, {}) == {"missing"}
	answers(own, {"taints": ["dedi*"]}) == set()
}

test_nodes_without_accelerators_and_exempt_ones_pass if {
	answers({"accelerators": []}, {}) == set()
	answers({}, {"exempt": ["gpu-*"]}) == set()
}
