package karb.labels.owner_test

import data.karb.labels.owner
import data.karb.lib.build

gpu := build.gpu_of("nvidia.com/gpu", "nvidia", 1)

fact(raw) := {"raw": raw, "value": raw, "unit": null, "source": "label", "key": "karb.dev/owner", "path": ["p"], "error": null}

answers(pod) := found if {
	found := owner.violations with input as build.document({"owner": {"scope": "gpu"}}, [build.pod(pod)])
}

test_owner_passes if count(answers({"gpu": gpu, "slo": {"owner": fact("ml-platform")}})) == 0

test_missing if {
	answers({"gpu": gpu}) == {{
		"check": "missing",
		"path": ["spec", "template", "metadata", "labels", "karb.dev/owner"],
		"detail": {"key": "karb.dev/owner"},
	}}
}

test_empty if {
	every raw in ["", " "] {
		answers({"gpu": gpu, "slo": {"owner": fact(raw)}}) == {{
			"check": "empty", "path": ["p"], "detail": {"key": "karb.dev/owner"},
		}}
	}
}

test_cpu_pods_need_none if count(answers({})) == 0

test_runtime_may_name_it if {
	some answer in answers({"gpu": gpu, "containers": [build.container({"open": true})]})
	is_string(answer.unknown)
}

test_batch_needs_none if {
	batch := object.union(build.document({"owner": {"scope": "all"}}, [build.pod({"gpu": gpu})]), {"workload": {"role": "batch"}})
	count(owner.violations) == 0 with input as batch
}
