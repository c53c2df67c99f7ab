package karb.availability.av_ready_test

import data.karb.availability.av_ready
import data.karb.lib.build

nvidia := build.gpu_of("nvidia.com/gpu", "nvidia", 1)

scale(n) := {"replicas": n, "size": 1, "path": ["spec", "replicas"]}

gpu := {"resource": "nvidia.com/gpu", "vendor": "nvidia", "form": "device", "limit": 1000, "request": 1000, "path": ["p", "limits", "g"], "declared": ["limits"]}

server(changes) := build.container(object.union({"gpus": [gpu], "devices": 1}, changes))

pod(changes) := build.pod(object.union({"gpu": nvidia, "scale": scale(2), "containers": [server({})]}, changes))

answers(pods, changes) := found if {
	found := av_ready.violations with input as object.union(build.document({"av-ready": params}, pods), changes)
}

checks(pods, changes) := {v.check | some v in answers(pods, changes)}

unknowns(pods, changes) := {v.unknown | some v in answers(pods, changes)}

params := {}

probed := {"spec": {"readinessProbe": {}}}

test_a_probe_passes if answers([pod({"containers": [server(probed)]})], {}) == set()

test_none_is_reported_at_the_missing_field if {
	answers([pod({})], {}) == {{
		"check": "missing",
		"path": ["spec", "template", "spec", "containers", 0, "readinessProbe"],
		"detail": {"container": "server"},
	}}
}

test_only_what_holds_the_gpu_is_asked if {
	answers([pod({"containers": [server(probed), build.container({"name": "exporter"})]})], {}) == set()
	checks([pod({"containers": [server({}), build.container(probed)]})], {}) == {"missing"}
}

test_where_any_may_hold_it_one_probe_is_enough if {
	plain := build.container({})
	checks([pod({"containers": [plain, build.container({"name": "b"})]})], {}) == {"missing"}
	count(answers([pod({"containers": [plain, build.container({"name": "b"})]})], {})) == 1
	answers([pod({"containers": [plain, build.container(probed)]})], {}) == set()
}

test_a_claim_belongs_to_its_container if {
	claiming := build.container({"name": "b", "devices": null})
	{v.detail.container | some v in answers([pod({"containers": [build.container(probed), claiming]})], {})} == {"b"}
}

test_init_and_ephemeral_containers_are_not_asked if {
	others := [server({"role": role}) | some role in ["init", "ephemeral"]]
	answers([pod({"containers": array.concat([server(probed)], others)})], {}) == set()
}

test_operators_that_inject_are_skipped if answers([pod({})], {"workload": {"injects": ["probes"]}}) == set()

test_open_containers_and_unknown_kinds_are_undecided if {
	count(unknowns([pod({"containers": [server({"open": true})]})], {})) == 1
	count(unknowns([pod({})], {"workload": {"discovered": true}})) == 1
}

test_a_bare_pod_serves_if_something_calls_it if {
	bare := {"workload": {"role": "pod", "kind": "Pod"}}
	always := {"spec": {"restartPolicy": "Always"}}
	listening := [server({"spec": {"ports": [{"containerPort": 8000}]}})]
	answers([pod(always)], bare) == set()
	checks([pod(object.union(always, {"containers": listening}))], bare) == {"missing"}
	answers([pod({"spec": {"restartPolicy": "Never"}, "containers": listening})], bare) == set()
}

test_roles_that_owe_none if {
	every role in ["batch", "interactive", "runtime", "system"] {
		answers([pod({})], {"workload": {"role": role}}) == set()
	}
}

test_a_notebook_s_pods_are_not_asked if answers([pod({"labels": {"notebook-name": "lab"}})], {}) == set()

test_workers_of_a_group_are_not_asked if {
	answers([pod({"labels": {"leaderworkerset.sigs.k8s.io/worker-index": "1"}})], {}) == set()
	checks([pod({"labels": {"leaderworkerset.sigs.k8s.io/worker-index": "0"}})], {}) == {"missing"}
	worker := pod({"path": ["spec", "leaderWorkerTemplate", "workerTemplate", "spec"]})
	checks([worker], {}) == {"missing"}
	answers([pod({"containers": [server(probed)]}), worker], {}) == set()
}
