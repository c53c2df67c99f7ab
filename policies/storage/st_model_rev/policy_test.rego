package karb.storage.st_model_rev_test

import data.karb.lib.build
import data.karb.storage.st_model_rev

answers(container, changes) := found if {
	document := build.document({"st-model-rev": {"floating": ["main"]}}, [build.pod({"containers": [build.container(container)]})])
	found := st_model_rev.violations with input as object.union(document, changes)
}

server(changes) := {"server": object.union({"name": "vLLM", "model": "org/m-1.0", "modelPath": ["args", 1], "revision": null, "visible": true}, changes)}

checks(container) := {v.check | some v in answers(container, {})}

test_a_name_without_a_revision if {
	answers(server({}), {}) == {{
		"check": "unnamed",
		"path": ["args", 1],
		"detail": {"server": "vLLM", "model": "org/m-1.0"},
	}}
	checks(server({"revision": ""})) == {"unnamed"}
	answers(server({}), {"workload": build.workload("runtime")}) == set()
}

test_revisions if {
	checks(server({"revision": "0a1b2c"})) == set()
	checks(server({"revision": "main"})) == {"floating"}
	checks(server({"revision": "..."})) == set()
}

test_what_is_no_name_of_a_hub if {
	every model in [null, "/models/m", "./m", "m", "s3://a/b", "a/b/c", "../m/n"] {
		checks(server({"model": model})) == set()
	}
}

env(value) := {"spec": {"env": [{"name": "HF_HUB_OFFLINE", "value": value}]}}

test_offline_servers_pull_nothing if {
	checks(object.union(server({}), env("1"))) == set()
	checks(object.union(server({}), env("0"))) == {"unnamed"}
}

test_what_is_not_visible if {
	{v.unknown | some v in answers(server({"visible": false}), {})} == {"the arguments of the server are not all visible here"}
	every v in answers(object.union(server({}), {"open": true}), {}) {
		contains(v.unknown, "merged")
	}
	every v in answers(server({"visible": false, "revision": "main"}), {}) {
		not v.unknown
	}
}

uri(text) := {"open": true, "spec": {"storageUri": text}}

test_addresses_of_kserve if {
	answers(uri("hf://org/m"), {}) == {{
		"check": "unnamed",
		"path": ["spec", "template", "spec", "containers", 0, "storageUri"],
		"detail": {"server": "KServe", "model": "org/m"},
	}}
	checks(uri("hf://org/m:0a1b2c")) == set()
	checks(uri("hf://org/m:main")) == {"floating"}
	checks(uri("s3://org/m")) == set()
	service := {"workload": {"kind": "LLMInferenceService"}, "object": {"spec": {"model": {"uri": "hf://org/m"}}}}
	{v.path | some v in answers({}, service)} == {["spec", "model", "uri"]}
}
