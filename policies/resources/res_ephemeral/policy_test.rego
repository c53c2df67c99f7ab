package karb.resources.res_ephemeral_test

import data.karb.lib.build
import data.karb.resources.res_ephemeral

params := {"paths": ["/models*"], "variables": ["HF_HOME"]}

answers(container, pod, changes) := found if {
	holder := build.container(object.union({"gpus": [{"resource": "nvidia.com/gpu"}]}, container))
	defaults := {"gpu": build.gpu_of("nvidia.com/gpu", "nvidia", 1), "containers": [holder]}
	changed := build.pod(object.union(defaults, pod))
	document := object.union(build.document({"res-ephemeral": params}, [changed]), changes)
	found := res_ephemeral.violations with input as document
}

mounting(path) := {"spec": {"volumeMounts": [{"name": "m", "mountPath": path}]}}

volume(changes) := {"emptyDirs": [object.union(
	{"name": "m", "path": ["d"], "medium": "", "sizeLimit": null, "raw": null},
	changes,
)]}

test_an_unbounded_model_volume_is_reported_at_its_limit if {
	answers(mounting("/models"), volume({}), {}) == {{
		"check": "volume",
		"path": ["d", "sizeLimit"],
		"detail": {"volume": "m", "container": "server", "mountPath": "/models"},
	}}
}

test_bounds if {
	answers(mounting("/models"), volume({"sizeLimit": 1000}), {}) == set()
	answers(mounting("/models"), volume({"medium": "Memory"}), {}) == set()
	limited := object.union(mounting("/models"), {"limits": {"ephemeral-storage": 1000}})
	answers(limited, volume({}), {}) == set()
}

test_other_paths_hold_no_models if answers(mounting("/tmp"), volume({}), {}) == set()

with_cache(path, cache) := {"spec": {
	"volumeMounts": [{"name": "m", "mountPath": path}],
	"env": [{"name": "HF_HOME", "value": cache}],
}}

test_the_path_that_a_variable_names if {
	every path in ["/scratch", "/scratch/hf/", "/scratch/hf/hub"] {
		count(answers(with_cache(path, "/scratch/hf"), volume({}), {})) == 1
	}
	answers(with_cache("/scratch", "/scratch2/hf"), volume({}), {}) == set()
}

test_text_generation_inference_keeps_models_in_data if {
	tgi := object.union(mounting("/data"), {"server": {"name": "Text Generation Inference", "model": null}})
	count(answers(tgi, volume({}), {})) == 1
	answers(mounting("/data"), volume({}), {}) == set()
}

loading(model, mounts) := {
	"server": {"name": "vLLM", "model": model},
	"spec": {"volumeMounts": [{"name": name, "mountPath": path} | some name, path in mounts]},
}

test_a_model_of_a_hub_and_no_storage if {
	{v.check | some v in answers(loading("org/model", {}), {}, {})} == {"layer"}
	settings := {"spec": {"volumes": [{"name": "settings", "configMap": {"name": "x"}}]}}
	count(answers(loading("org/model", {"shm": "/dev/shm", "settings": "/etc/x"}), settings, {})) == 1
	answers(loading("org/model", {"disk": "/data"}), {}, {}) == set()
}

test_models_from_elsewhere if {
	every model in ["/models/llm", "./model/x", "s3://bucket/model", "gpt2", null] {
		answers(loading(model, {}), {}, {}) == set()
	}
}

test_only_services_with_gpus if {
	answers(mounting("/models"), volume({}), {"workload": {"role": "batch"}}) == set()
	answers(object.union(mounting("/models"), {"gpus": []}), volume({}), {}) == set()
	plain := object.union(volume({}), {"gpu": build.pod({}).gpu})
	answers(mounting("/models"), plain, {}) == set()
}

test_an_open_container_leaves_it_undecided if {
	open := object.union(mounting("/models"), {"open": true})
	every v in answers(open, volume({}), {}) {
		contains(v.unknown, "merged")
	}
	count(answers(open, volume({}), {})) == 1
	answers(object.union(loading("org/model", {}), {"open": true}), {}, {}) == set()
}
