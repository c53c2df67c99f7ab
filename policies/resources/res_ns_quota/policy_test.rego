package karb.resources.res_ns_quota_test

import data.karb.resources.res_ns_quota

answers(context) := found if {
	found := res_ns_quota.violations with input as {
		"params": {"res-ns-quota": {"exempt": ["kube-*"], "kueue": true}},
		"object": {"metadata": {"name": "ai"}},
		"context": context,
	}
}

demand(changes) := object.union(
	{
		"what": "nvidia.com/gpu", "keys": ["requests.nvidia.com/gpu"],
		"workloads": ["Deployment llm"], "count": 1, "queued": false,
	},
	changes,
)

quota(hard, scopes) := {"name": "devices", "hard": hard, "scopes": scopes}

checks(demands, quotas) := {v.check | some v in answers({"gpudemand": demands, "quotas": quotas})}

test_what_no_quota_bounds if {
	answers({"gpudemand": [demand({})], "quotas": [quota({"pods": 1000}, [])]}) == {{
		"check": "unbounded",
		"path": ["metadata", "name"],
		"detail": {
			"namespace": "ai", "what": "nvidia.com/gpu", "key": "requests.nvidia.com/gpu",
			"workloads": ["Deployment llm"], "count": 1,
		},
	}}
}

test_any_of_the_keys_is_a_bound if {
	checks([demand({})], [quota({"requests.nvidia.com/gpu": 8000}, [])]) == set()
	checks([demand({})], [quota({"requests.nvidia.com/gpu": 0}, [])]) == set()
	checks([demand({"keys": ["a", "b"]})], [quota({"b": 1000}, [])]) == set()
}

test_the_bare_name_counts_nothing if {
	checks([demand({})], [quota({"nvidia.com/gpu": 8000}, [])]) == {"unbounded", "uncounted"}
	checks([demand({})], [quota({"nvidia.com/gpu": 8000, "requests.nvidia.com/gpu": 8000}, [])]) == {"uncounted"}
}

test_a_scoped_quota_is_no_bound_for_the_rest if {
	scoped := quota({"requests.nvidia.com/gpu": 8000}, ["PriorityClass"])
	checks([demand({})], [scoped]) == {"scoped"}
	checks([demand({})], [scoped, quota({"requests.nvidia.com/gpu": 9000}, [])]) == set()
}

test_queues_and_what_no_quota_can_count if {
	checks([demand({"queued": true})], []) == set()
	checks([demand({"keys": []})], []) == set()
	checks([], []) == set()
	count(res_ns_quota.violations) == 1 with input as {
		"params": {"res-ns-quota": {"exempt": [], "kueue": false}},
		"object": {"metadata": {"name": "ai"}},
		"context": {"gpudemand": [demand({"queued": true})], "quotas": []},
	}
}

test_an_unresolved_claim_leaves_it_undecided if {
	claim := demand({"keys": [], "unknown": "claim x"})
	[v] := [v | some v in answers({"gpudemand": [claim], "quotas": []})]
	v.unknown == "claim x"
	checks([claim], [quota({"gpu.nvidia.com.deviceclass.resource.k8s.io/devices": 1000}, [])]) == set()
}

test_without_context_it_is_undecided if {
	every context in [{}, {"quotas": []}, {"gpudemand": []}] {
		[v] := [v | some v in answers(context)]
		is_string(v.unknown)
	}
}

test_an_exempt_namespace if {
	res_ns_quota.violations == set() with input as {
		"params": {"res-ns-quota": {"exempt": ["ai"], "kueue": true}},
		"object": {"metadata": {"name": "ai"}},
		"context": {},
	}
}
