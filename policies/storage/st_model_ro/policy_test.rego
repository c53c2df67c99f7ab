package karb.storage.st_model_ro_test

import data.karb.lib.build
import data.karb.storage.st_model_ro

params := {"mountPaths": ["/models", "/models/*"], "volumes": ["models", "*-models"], "caches": ["*cache*"]}

gpu := {"gpu": build.gpu_of("nvidia.com/gpu", "nvidia", 1)}

answers(pod, role) := found if {
	document := build.document({"st-model-ro": params}, [build.pod(object.union(gpu, pod))])
	found := st_model_ro.violations with input as object.union(document, {"workload": build.workload(role)})
}

reported(pod) if count(answers(pod, "serving")) == 1

mount(changes) := object.union({"name": "models", "mountPath": "/models"}, changes)

server(changes) := build.container({"gpus": [{"resource": "nvidia.com/gpu"}], "spec": {"volumeMounts": [mount(changes)]}})

claim(changes) := {"volumes": [object.union({"name": "models", "persistentVolumeClaim": {"claimName": "a"}}, changes)]}

test_a_writable_mount_is_reported if {
	answers({"containers": [server({})], "spec": claim({})}, "serving") == {{
		"check": "writable",
		"path": ["spec", "template", "spec", "containers", 0, "volumeMounts", 0, "readOnly"],
		"detail": {"container": "server", "volume": "models", "mountPath": "/models"},
	}}
	reported({"containers": [server({"readOnly": false})], "spec": claim({})})
}

test_read_only_passes if {
	not reported({"containers": [server({"readOnly": true})], "spec": claim({})})
	not reported({"containers": [server({})], "spec": claim({"persistentVolumeClaim": {"claimName": "a", "readOnly": true}})})
	not reported({"containers": [server({})], "spec": {"volumes": [{"name": "models", "image": {"reference": "a"}}]}})
}

named(name, path) := {
	"containers": [server({"name": name, "mountPath": path})],
	"spec": {"volumes": [{"name": name, "persistentVolumeClaim": {"claimName": "llm-models"}}]},
}

test_what_holds_models if {
	reported(named("a", "/data"))
	reported(named("model-cache", "/models/llm"))
	not reported(named("models", "/cache"))
	not reported(named("model-cache", "/data"))
	not reported({"containers": [server({"name": "a", "mountPath": "/data"})], "spec": claim({"name": "a"})})
}

fetch(changes) := build.container({"name": "fetch", "role": "init", "spec": {"volumeMounts": [mount(changes)]}})

test_scratch_space_is_the_servers_own_unless_another_fills_it if {
	every volumes in [{"volumes": [{"name": "models", "emptyDir": {}}]}, {"volumes": [{"name": "models", "ephemeral": {}}]}, {}] {
		not reported({"containers": [server({})], "spec": volumes})
		not reported({"containers": [server({}), fetch({"readOnly": true})], "spec": volumes})
		reported({"containers": [server({}), fetch({})], "spec": volumes})
	}
}

test_who_is_looked_at if {
	pod := {"containers": [server({}), build.container({"name": "sync", "spec": {"volumeMounts": [mount({})]}})], "spec": claim({})}
	count(answers(pod, "serving")) == 1
	every role in ["batch", "interactive", "system"] {
		answers(pod, role) == set()
	}
	claimed := {"containers": [build.container({"spec": {"volumeMounts": [mount({})]}})], "spec": claim({})}
	reported(claimed)
	not reported(object.union(claimed, {"gpu": build.pod({}).gpu}))
	doubtful := object.union(claimed, {"gpu": object.union(build.pod({}).gpu, {"unknown": "a claim"})})
	{v.unknown | some v in answers(doubtful, "serving")} == {"a claim"}
}
