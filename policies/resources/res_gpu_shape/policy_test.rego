package karb.resources.res_gpu_shape_test

import data.karb.lib.build
import data.karb.resources.res_gpu_shape

limits_path := ["spec", "template", "spec", "containers", 0, "resources", "limits", "nvidia.com/gpu"]

requests_path := ["spec", "template", "spec", "containers", 0, "resources", "requests", "nvidia.com/gpu"]

# A container with one GPU entry; `sections` are what the author wrote.
with_gpu(limit, request, sections) := build.container({"gpus": [{
	"resource": "nvidia.com/gpu", "vendor": "nvidia", "limit": limit, "request": request,
	"path": limits_path, "declared": sections,
}]})

answers(container) := found if {
	document := build.document({"res-gpu-shape": {}}, [build.pod({"containers": [container]})])
	found := res_gpu_shape.violations with input as document
}

checks(container) := {v.check | some v in answers(container)}

test_whole_limit_alone_passes if answers(with_gpu(1000, 1000, ["limits"])) == set()

test_equal_request_and_limit_pass if answers(with_gpu(8000, 8000, ["limits", "requests"])) == set()

test_zero_passes if answers(with_gpu(0, 0, ["limits", "requests"])) == set()

test_a_request_of_zero_needs_no_limit if answers(with_gpu(null, 0, ["requests"])) == set()

test_a_container_without_gpu_passes if answers(build.container({})) == set()

test_one_milli_unit_over_is_fractional if checks(with_gpu(1001, 1001, ["limits"])) == {"fractional"}

test_a_fraction_below_a_milli_unit_is_fractional if checks(with_gpu(0.5, 0.5, ["limits"])) == {"fractional"}

test_a_fraction_is_reported_where_it_was_written if {
	answers(with_gpu(500, 500, ["limits"])) == {{
		"check": "fractional",
		"path": limits_path,
		"detail": {"container": "server", "resource": "nvidia.com/gpu", "section": "limits", "value": 0.5},
	}}
}

test_a_fraction_in_both_sections_is_reported_in_both if {
	{v.path | some v in answers(with_gpu(500, 500, ["limits", "requests"]))} == {limits_path, requests_path}
}

test_the_value_is_shown_as_written if {
	written := object.union(
		with_gpu(500, 500, ["limits"]),
		{"spec": {"resources": {"limits": {"nvidia.com/gpu": "500m"}}}},
	)
	{v.detail.value | some v in answers(written)} == {"500m"}
}

test_a_request_without_limit_points_at_the_missing_limit if {
	some v in answers(with_gpu(null, 1000, ["requests"]))
	v.check == "no-limit"
	v.path == limits_path
	v.detail.value == 1
	not v.unknown
}

test_a_runtime_may_supply_the_limit_of_an_open_container if {
	open := object.union(with_gpu(null, 1000, ["requests"]), {"open": true})
	{v.unknown | some v in answers(open)} == {"container server is merged with one that is not visible here"}
}

test_a_request_below_or_above_the_limit_mismatches if {
	checks(with_gpu(2000, 1000, ["limits", "requests"])) == {"mismatch"}
	checks(with_gpu(1000, 2000, ["limits", "requests"])) == {"mismatch"}
	checks(with_gpu(1000, 0, ["limits", "requests"])) == {"mismatch"}
}

test_a_mismatch_points_at_the_request if {
	{v.path | some v in answers(with_gpu(2000, 1000, ["limits", "requests"]))} == {requests_path}
}

test_a_request_that_is_not_known_is_no_mismatch if answers(with_gpu(1000, null, ["limits"])) == set()
