package karb.labels.app_k8s_io_test

import data.karb.labels.app_k8s_io
import data.karb.lib.build

answers(pod, role) := found if {
	document := build.document({"app-k8s-io": {"labels": ["a/name", "a/version"]}}, [build.pod(pod)])
	found := app_k8s_io.violations with input as object.union(document, {"workload": build.workload(role)})
}

test_each_missing_label_is_reported if {
	answers({"labels": {"a/name": "llm"}}, "serving") == {{
		"check": "missing",
		"path": ["spec", "template", "metadata", "labels", "a/version"],
		"detail": {"label": "a/version"},
	}}
	count(answers({}, "batch")) == 2
}

test_both_labels_pass if answers({"labels": {"a/name": "llm", "a/version": ""}}, "pod") == set()

test_runtimes_and_daemonsets_are_exempt if {
	answers({}, "runtime") == set()
	answers({}, "system") == set()
}

test_who_completes_a_container_may_label_the_pod if {
	every v in answers({"containers": [build.container({"open": true})]}, "serving") {
		contains(v.unknown, "merged")
	}
}

test_an_operator_may_name_the_application if {
	every injects, expected in {"probes": 2, "name": 1} {
		document := build.document(
			{"app-k8s-io": {"labels": ["app.kubernetes.io/name", "app.kubernetes.io/version"]}},
			[build.pod({})],
		)
		workload := {"workload": {"injects": [injects]}}
		count(app_k8s_io.violations) == expected with input as object.union(document, workload)
	}
}
