package karb.availability.av_pdb_test

import data.karb.availability.av_pdb
import data.karb.lib.build

nvidia := build.gpu_of("nvidia.com/gpu", "nvidia", 1)

scale(n) := {"replicas": n, "size": 1, "path": ["spec", "replicas"]}

gpu := {"resource": "nvidia.com/gpu", "vendor": "nvidia", "form": "device", "limit": 1000, "request": 1000, "path": ["p", "limits", "g"], "declared": ["limits"]}

server(changes) := build.container(object.union({"gpus": [gpu], "devices": 1}, changes))

pod(changes) := build.pod(object.union({"gpu": nvidia, "scale": scale(2), "containers": [server({})]}, changes))

answers(pods, changes) := found if {
	found := av_pdb.violations with input as object.union(build.document({"av-pdb": params}, pods), changes)
}

checks(pods, changes) := {v.check | some v in answers(pods, changes)}

unknowns(pods, changes) := {v.unknown | some v in answers(pods, changes)}

params := {"scope": "gpu"}

scaler(changes) := object.union(
	{
		"kind": "HorizontalPodAutoscaler", "name": "llm", "own": false, "pods": null,
		"target": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"},
		"min": 1, "max": 4, "idle": null, "paused": null, "metrics": [], "triggers": [], "defaulted": [],
	},
	changes,
)

budget(changes) := object.union(
	{"name": "b", "minAvailable": null, "shared": false, "pods": [0], "maybe": []},
	object.union({"maxUnavailable": object.get(changes, "maxUnavailable", {"count": 1})}, object.remove(changes, ["maxUnavailable"])),
)

least(amount) := budget({"minAvailable": amount, "maxUnavailable": null})

with_budgets(budgets) := {"context": {"pdbs": budgets}}

test_one_budget_that_lets_a_pod_go_passes if answers([pod({})], with_budgets([budget({})])) == set()

test_no_budget_is_reported_at_the_labels if {
	answers([pod({})], with_budgets([])) == {{
		"check": "missing", "path": ["spec", "template", "metadata", "labels"], "detail": {"replicas": 2},
	}}
}

test_without_the_budgets_it_is_undecided if count(unknowns([pod({})], {"context": {}})) == 1

test_labels_of_an_operator_leave_it_undecided if {
	count(unknowns([pod({})], with_budgets([budget({"pods": [], "maybe": [0]})]))) == 1
}

test_a_budget_that_blocks if {
	every amount in [{"count": 2}, {"count": 3}, {"percent": 51}, {"percent": 100}] {
		checks([pod({})], with_budgets([least(amount)])) == {"blocks"}
	}
	every amount in [{"count": 0}, {"percent": 0}] {
		checks([pod({})], with_budgets([budget({"maxUnavailable": amount})])) == {"blocks"}
	}
}

test_percentages_round_up if {
	every amount in [{"count": 1}, {"percent": 50}, {"percent": 1}] {
		answers([pod({})], with_budgets([least(amount)])) == set()
	}
	answers([pod({})], with_budgets([budget({"maxUnavailable": {"percent": 1}})])) == set()
}

test_a_budget_of_several_workloads_may_let_others_go if {
	answers([pod({})], with_budgets([object.union(least({"count": 2}), {"shared": true})])) == set()
	checks([pod({})], with_budgets([object.union(least({"percent": 100}), {"shared": true})])) == {"blocks"}
}

test_the_autoscaler_s_maximum_counts if {
	scaled := {"context": {"pdbs": [least({"count": 2})], "autoscalers": [scaler({})]}}
	answers([pod({"scale": scale(1)})], scaled) == set()
	checks([pod({"scale": scale(1)})], {"context": {"pdbs": [], "autoscalers": [scaler({})]}}) == {"missing"}
	unlimited := {"context": {"pdbs": [least({"count": 2})], "autoscalers": [scaler({"min": 2, "max": null})]}}
	answers([pod({"scale": scale(1)})], unlimited) == set()
}

test_two_budgets if checks([pod({})], with_budgets([budget({}), budget({"name": "c"})])) == {"several"}

test_who_owes_none if {
	none := with_budgets([])
	answers([pod({"scale": scale(1)})], none) == set()
	answers([pod({})], object.union(none, {"workload": {"kind": "Pod"}})) == set()
	answers([pod({})], object.union(none, {"workload": {"role": "batch"}})) == set()
	answers([pod({})], object.union(none, {"workload": {"controlled": true}})) == set()
	answers([build.pod({"scale": scale(2)})], none) == set()
}

test_scope_all if {
	everything := object.union(with_budgets([]), {"params": {"av-pdb": {"scope": "all"}}})
	checks([build.pod({"scale": scale(2)})], everything) == {"missing"}
}
