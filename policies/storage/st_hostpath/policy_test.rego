package karb.storage.st_hostpath_test

import data.karb.lib.build
import data.karb.storage.st_hostpath

params := {"allowed": ["/etc/localtime", "/mnt/zones/*"], "namespaces": ["kube-*"], "kinds": ["ray.io/*"]}

answers(pod, changes) := found if {
	document := build.document({"st-hostpath": params}, [build.pod(pod)])
	found := st_hostpath.violations with input as object.union(document, changes)
}

mounting(path) := {"spec": {"volumes": [{"name": "a", "emptyDir": {}}, {"name": "cache", "hostPath": {"path": path}}]}}

at := ["spec", "template", "spec", "volumes", 1, "hostPath", "path"]

test_a_path_of_the_node_is_reported if {
	answers(mounting("/data/models"), {}) == {{
		"check": "hostPath",
		"path": at,
		"detail": {"volume": "cache", "hostPath": "/data/models"},
	}}
}

test_allowed_paths_pass if {
	answers(mounting("/etc/localtime"), {}) == set()
	answers(mounting("/mnt/zones/a/b"), {}) == set()
	count(answers(mounting("/mnt/zones/../etc"), {})) == 1
	count(answers(mounting("/etc/localtime2"), {})) == 1
}

test_who_may if {
	answers(mounting("/data"), {"workload": {"role": "system"}}) == set()
	answers(mounting("/data"), {"object": {"metadata": {"namespace": "kube-system"}}}) == set()
	answers(mounting("/data"), {"workload": {"group": "ray.io", "kind": "RayCluster"}}) == set()
}

test_device_files_are_left_to_another if {
	gpu := object.union(build.pod({}).gpu, {"evidence": [{"test": 6, "path": at, "value": "/dev/nvidia0"}]})
	answers(object.union(mounting("/dev/nvidia0"), {"gpu": gpu}), {}) == set()
	other := object.union(build.pod({}).gpu, {"evidence": [{"test": 8, "path": at, "value": "x"}]})
	count(answers(object.union(mounting("/dev/nvidia0"), {"gpu": other}), {})) == 1
}

test_no_volumes_pass if answers({}, {}) == set()
