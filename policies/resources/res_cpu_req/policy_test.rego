package karb.resources.res_cpu_req_test

import data.karb.lib.build
import data.karb.resources.res_cpu_req

gpu := build.gpu_of("nvidia.com/gpu", "nvidia", 1)

answers(limit, pod) := found if {
	document := build.document({"res-cpu-req": {"limit": limit}}, [build.pod(pod)])
	found := res_cpu_req.violations with input as document
}

# The checks that one container of a GPU pod breaks under the parameter `limit`.
checks(limit, changes) := {v.check | some v in answers(limit, {"gpu": gpu, "containers": [build.container(changes)]})}

requested := {"requests": {"cpu": 1}}

limited := {"requests": {"cpu": 4000}, "limits": {"cpu": 4000}}

test_the_smallest_request_passes if checks("ignore", requested) == set()

test_limits_are_ignored_by_default if checks("ignore", limited) == set()

test_no_request_and_a_request_of_zero_fail if {
	checks("ignore", {}) == {"missing"}
	checks("ignore", {"requests": {"cpu": 0}}) == {"missing"}
}

test_the_missing_field_is_named if {
	found := answers("ignore", {"gpu": gpu, "containers": [build.container({"role": "sidecar"})]})
	found == {{
		"check": "missing",
		"path": ["spec", "template", "spec", "containers", 0, "resources", "requests", "cpu"],
		"detail": {"container": "server", "role": "sidecar"},
	}}
}

test_a_cpu_pod_needs_no_request if answers("require", {"containers": [build.container({})]}) == set()

test_a_pod_level_request_covers_all_containers if {
	pod := {"gpu": gpu, "podResources": {"limits": {}, "requests": {"cpu": 1}}, "containers": [build.container({})]}
	answers("ignore", pod) == set()
}

test_ephemeral_containers_do_not_count if checks("require", {"role": "ephemeral"}) == set()

test_require_wants_a_limit_as_well if {
	checks("require", requested) == {"limit-missing"}
	checks("require", {}) == {"missing", "limit-missing"}
	checks("require", limited) == set()
}

test_require_takes_a_pod_level_limit if {
	pod := {
		"gpu": gpu,
		"podResources": {"limits": {"cpu": 1}, "requests": {"cpu": 1}},
		"containers": [build.container({})],
	}
	answers("require", pod) == set()
}

test_forbid_refuses_limits_of_containers_and_pod if {
	checks("forbid", requested) == set()
	checks("forbid", limited) == {"limit-set"}
	pod := {
		"gpu": gpu,
		"podResources": {"limits": {"cpu": 1}, "requests": {"cpu": 1}},
		"containers": [build.container(limited)],
	}
	{v.detail.holder | some v in answers("forbid", pod)} == {"the pod", "container server"}
}

test_an_unresolved_claim_leaves_it_undecided if {
	found := answers("ignore", {"gpu": {"unknown": "claim c"}, "containers": [build.container({})]})
	{v.unknown | some v in found} == {"claim c"}
}

test_an_open_container_leaves_it_undecided if {
	found := answers("ignore", {"gpu": gpu, "containers": [build.container({"open": true})]})
	count(found) == 1
	every v in found {
		contains(v.unknown, "merged")
	}
}

test_an_open_container_hides_no_fault_of_its_neighbour if {
	containers := [build.container({"open": true}), build.container({"name": "agent"})]
	found := answers("ignore", {"gpu": gpu, "containers": containers})
	{v.detail.container | some v in found; not v.unknown} == {"agent"}
}

test_an_operator_that_fills_resources_leaves_it_undecided if {
	document := object.union(
		build.document({"res-cpu-req": {"limit": "ignore"}}, [build.pod({"gpu": gpu, "containers": [build.container({})]})]),
		{"workload": {"injects": ["resources"]}},
	)
	found := res_cpu_req.violations with input as document
	count({v | some v in found; contains(v.unknown, "operator")}) == 1
}
