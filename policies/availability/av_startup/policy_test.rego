package karb.availability.av_startup_test

import data.karb.availability.av_startup
import data.karb.lib.build

nvidia := build.gpu_of("nvidia.com/gpu", "nvidia", 1)

scale(n) := {"replicas": n, "size": 1, "path": ["spec", "replicas"]}

gpu := {"resource": "nvidia.com/gpu", "vendor": "nvidia", "form": "device", "limit": 1000, "request": 1000, "path": ["p", "limits", "g"], "declared": ["limits"]}

server(changes) := build.container(object.union({"gpus": [gpu], "devices": 1}, changes))

pod(changes) := build.pod(object.union({"gpu": nvidia, "scale": scale(2), "containers": [server({})]}, changes))

answers(pods, changes) := found if {
	found := av_startup.violations with input as object.union(build.document({"av-startup": params}, pods), changes)
}

checks(pods, changes) := {v.check | some v in answers(pods, changes)}

unknowns(pods, changes) := {v.unknown | some v in answers(pods, changes)}

params := {"loadSeconds": 60}

slo := {"cold-start": {"raw": "3m", "value": 180000, "key": "k"}}

probe(changes) := object.union({"failureThreshold": 3, "periodSeconds": 10}, changes)

with_probes(probes) := pod({"slo": slo, "containers": [server({"spec": probes})]})

test_a_startup_probe_that_covers_the_budget if {
	answers([with_probes({"startupProbe": probe({"failureThreshold": 18})})], {}) == set()
	answers([with_probes({"startupProbe": probe({"initialDelaySeconds": 150})})], {}) == set()
}

test_a_startup_probe_that_does_not if {
	answers([with_probes({"startupProbe": probe({"failureThreshold": 17})})], {}) == {{
		"check": "startup",
		"path": ["spec", "template", "spec", "containers", 0, "startupProbe"],
		"detail": {"container": "server", "allowed": 170, "needed": 180, "reason": "k 3m"},
	}}
}

test_the_longest_of_what_is_stated if {
	both := object.union(slo, {"model-load": {"raw": "4m", "value": 240000, "key": "l"}})
	found := answers([pod({"slo": both, "containers": [server({"spec": {"startupProbe": probe({})}})]})], {})
	{v.detail.reason | some v in found} == {"l 4m"}
}

test_a_liveness_probe_alone if {
	checks([with_probes({"livenessProbe": probe({})})], {}) == {"liveness"}
	answers([with_probes({"livenessProbe": probe({"initialDelaySeconds": 150})})], {}) == set()
	answers([with_probes({"livenessProbe": probe({}), "startupProbe": probe({"failureThreshold": 18})})], {}) == set()
}

unstated(probes) := pod({"containers": [server({"spec": probes})]})

test_nothing_stated if {
	checks([unstated({"livenessProbe": probe({})})], {}) == {"liveness"}
	answers([unstated({"livenessProbe": probe({"failureThreshold": 6})})], {}) == set()
	answers([unstated({"startupProbe": probe({})})], {}) == set()
	answers([unstated({"livenessProbe": probe({})})], {"params": {"av-startup": {"loadSeconds": 0}}}) == set()
}

test_an_objective_that_can_not_be_read_is_none if {
	bad := {"cold-start": {"raw": "soon", "value": null, "key": "k"}}
	answers([pod({"slo": bad, "containers": [server({"spec": {"startupProbe": probe({})}})]})], {}) == set()
}

test_somebody_else_may_add_the_startup_probe if {
	alive := with_probes({"livenessProbe": probe({})})
	count(unknowns([alive], {"workload": {"injects": ["probes"]}})) == 1
	short := with_probes({"startupProbe": probe({})})
	unknowns([short], {"workload": {"injects": ["probes"]}}) == set()
}

test_no_probe_kills_nothing if answers([with_probes({})], {}) == set()

deployment(spec) := {"workload": {"kind": "Deployment", "role": "serving"}, "object": {"spec": spec}}

hour := {"cold-start": {"raw": "1h", "value": 3600000, "key": "k"}}

slow := pod({"slo": hour})

test_a_progress_deadline_below_the_budget if {
	answers([slow], deployment({"progressDeadlineSeconds": 3599})) == {{
		"check": "deadline",
		"path": ["spec", "progressDeadlineSeconds"],
		"detail": {"allowed": 3599, "needed": 3600, "reason": "k 1h"},
	}}
	answers([slow], deployment({"progressDeadlineSeconds": 3600})) == set()
}

test_a_progress_deadline_that_is_not_written_is_ten_minutes if {
	checks([slow], deployment({})) == {"deadline"}
	ten := pod({"slo": {"cold-start": {"raw": "10m", "value": 600000, "key": "k"}}})
	answers([ten], deployment({})) == set()
	checks([pod({})], deployment({"progressDeadlineSeconds": 59})) == {"deadline"}
	answers([pod({})], deployment({"progressDeadlineSeconds": 60})) == set()
}

test_no_progress_is_counted if {
	answers([slow], deployment({"paused": true})) == set()
	answers([slow], {"workload": {"kind": "StatefulSet", "role": "serving"}, "object": {"spec": {}}}) == set()
	checks([slow], {"workload": {"kind": "Rollout", "role": "serving"}, "object": {"spec": {}}}) == {"deadline"}
}
