package karb.resources.res_mem_test

import data.karb.lib.build
import data.karb.resources.res_mem

bounded := {"limits": {"memory": 1073741824000}}

answers(pod) := found if {
	found := res_mem.violations with input as build.document({"res-mem": {}}, [build.pod(pod)])
}

container_answers(changes) := answers({"containers": [build.container(changes)]})

test_a_limit_passes if container_answers(bounded) == set()

test_a_pod_level_limit_covers_all_containers if {
	answers({
		"podResources": {"limits": {"memory": 1000}, "requests": {}},
		"containers": [build.container({}), build.container({"name": "agent", "role": "sidecar"})],
	}) == set()
}

test_a_missing_limit_is_reported_at_the_missing_field if {
	container_answers({}) == {{
		"check": "missing",
		"path": ["spec", "template", "spec", "containers", 0, "resources", "limits", "memory"],
		"detail": {"container": "server", "role": "main"},
	}}
}

test_a_request_is_no_limit if {
	{v.check | some v in container_answers({"requests": {"memory": 1000}})} == {"missing"}
}

test_a_pod_level_request_is_no_limit if {
	count(answers({
		"podResources": {"limits": {}, "requests": {"memory": 1000}},
		"containers": [build.container({})],
	})) == 1
}

test_init_containers_and_sidecars_count_and_ephemeral_ones_do_not if {
	roles := ["init", "sidecar", "main", "ephemeral"]
	containers := [build.container({"name": role, "role": role}) | some role in roles]
	{v.detail.role | some v in answers({"containers": containers})} == {"init", "sidecar", "main"}
}

test_zero_is_no_limit_even_where_a_runtime_merges if {
	some open in [true, false]
	found := container_answers({"limits": {"memory": 0}, "open": open})
	{v.check | some v in found} == {"zero"}
	{v | some v in found; v.unknown} == set()
}

test_an_open_container_is_undecided if {
	{v.unknown | some v in container_answers({"open": true})} == {"container server is merged with one that is not visible here"}
}

test_an_operator_that_fills_resources_leaves_it_undecided if {
	document := object.union(
		build.document({"res-mem": {}}, [build.pod({"containers": [build.container({})]})]),
		{"workload": {"injects": ["resources"]}},
	)
	found := res_mem.violations with input as document
	count({v | some v in found; contains(v.unknown, "operator")}) == 1
}

test_less_than_a_mebibyte_is_named_as_written if {
	found := container_answers({
		"limits": {"memory": 512},
		"spec": {"resources": {"limits": {"memory": "512m"}}},
	})
	found == {{
		"check": "tiny",
		"path": ["spec", "template", "spec", "containers", 0, "resources", "limits", "memory"],
		"detail": {"container": "server", "role": "main", "value": "512m"},
	}}
}

test_tiny_ends_at_one_mebibyte if {
	{v.check | some v in container_answers({"limits": {"memory": 1048575999}})} == {"tiny"}
	container_answers({"limits": {"memory": 1048576000}}) == set()
}

test_tiny_in_bytes_where_the_author_wrote_no_quantity if {
	{v.detail.value | some v in container_answers({"limits": {"memory": 16000}})} == {16}
}

test_a_pod_level_limit_does_not_mend_a_tiny_one if {
	found := answers({
		"podResources": {"limits": {"memory": 1048576000000}, "requests": {}},
		"containers": [build.container({"limits": {"memory": 512}})],
	})
	{v.check | some v in found} == {"tiny"}
}

test_an_ephemeral_container_has_no_resources if {
	container_answers({"role": "ephemeral", "limits": {"memory": 512}}) == set()
}
