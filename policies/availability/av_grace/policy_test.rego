package karb.availability.av_grace_test

import data.karb.availability.av_grace
import data.karb.lib.build

nvidia := build.gpu_of("nvidia.com/gpu", "nvidia", 1)

scale(n) := {"replicas": n, "size": 1, "path": ["spec", "replicas"]}

gpu := {"resource": "nvidia.com/gpu", "vendor": "nvidia", "form": "device", "limit": 1000, "request": 1000, "path": ["p", "limits", "g"], "declared": ["limits"]}

server(changes) := build.container(object.union({"gpus": [gpu], "devices": 1}, changes))

pod(changes) := build.pod(object.union({"gpu": nvidia, "scale": scale(2), "containers": [server({})]}, changes))

answers(pods, changes) := found if {
	found := av_grace.violations with input as object.union(build.document({"av-grace": params}, pods), changes)
}

checks(pods, changes) := {v.check | some v in answers(pods, changes)}

unknowns(pods, changes) := {v.unknown | some v in answers(pods, changes)}

params := {"drainSeconds": 30}

stopping(seconds, changes) := pod(object.union({"spec": {"terminationGracePeriodSeconds": seconds}}, changes))

slow(ms) := {"slo": {"p95-latency": {"raw": "45s", "value": ms, "key": "k"}}}

test_the_default_passes if {
	answers([pod({})], {}) == set()
	answers([stopping(30, {})], {}) == set()
}

test_less_than_the_parameter if {
	answers([stopping(29, {})], {}) == {{
		"check": "short",
		"path": ["spec", "template", "spec", "terminationGracePeriodSeconds"],
		"detail": {"grace": 29, "needed": 30, "reason": "parameter drainSeconds"},
	}}
}

test_less_than_a_request_takes if {
	{v.detail.reason | some v in answers([stopping(30, slow(45000))], {})} == {"k 45s"}
	answers([stopping(45, slow(45000))], {}) == set()
}

sleeping(n) := {"containers": [server({"stopSleep": n})]}

test_a_hook_leaves_time if {
	answers([stopping(60, sleeping(59))], {}) == set()
	checks([stopping(60, sleeping(60))], {}) == {"hook"}
	checks([stopping(60, object.union(sleeping(16), slow(45000)))], {}) == {"hook"}
	answers([stopping(60, object.union(sleeping(15), slow(45000)))], {}) == set()
}

test_who_completes_the_pod_may_set_the_period if {
	open := {"containers": [server({"open": true})]}
	longer := {"params": {"av-grace": {"drainSeconds": 60}}}
	count(unknowns([stopping(30, open)], longer)) == 1
	checks([stopping(10, open)], {}) == {"short"}
	unknowns([stopping(10, open)], {}) == set()
}

test_batch_and_cpu_pods_owe_none if {
	answers([stopping(0, {})], {"workload": {"role": "batch"}}) == set()
	answers([build.pod({"spec": {"terminationGracePeriodSeconds": 0}})], {}) == set()
}
