# METADATA
# title: A model comes from a hub by name, without a revision
# description: |-
#   `org/name` on a model hub is a branch that its owner may push to. The replica that is added in a
#   burst pulls what the branch holds then: other weights, another chat template, or code that
#   `trust_remote_code` runs. Replicas answer differently, a rollback of the Deployment does not
#   bring the old model back, and an evaluation says nothing about what runs now. A revision (a
#   commit of the model's repository) makes it one thing. Read are the arguments and environment of
#   known servers with a GPU (vLLM, SGLang, TGI, KServe's Hugging Face server) and KServe's `hf://`
#   addresses; paths, buckets and offline servers are none of it.
# related_resources:
# - ref: https://kserve.github.io/website/docs/model-serving/storage/providers/hf
#   description: KServe, models from the Hugging Face hub
# - ref: https://docs.vllm.ai/en/latest/serving/engine_args.html
#   description: Engine arguments of vLLM
# custom:
#   id: KARB-ST-007
#   severity: info
#   since: 0.1.0
#   match: [pods]
#   identity: value
#   params:
#     floating:
#       type: array
#       items: {type: string, minLength: 1}
#       description: Revisions that move, and pin nothing.
#       default: [main, master, HEAD]
#   checks:
#     unnamed: '{server} loads model {model} from a hub and names no revision'
#     floating: '{server} loads model {model} at {revision}, which moves'
#   remediation: |-
#     Name the commit of the model's repository that was tested:
#
#       args: [--model, org/name, --revision, 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567]
#
#     (TGI: `--revision` or REVISION; KServe: `--model_revision`, or
#     `storageUri: hf://org/name:<commit>`.) Better, copy the model to storage of your own.
package karb.storage.st_model_rev

import data.karb.lib.pods

params := input.params["st-model-rev"]

violations contains object.union(v, doubt) if {
	input.workload.role != "runtime"
	some pod in input.pods
	some container in pod.containers
	server := container.server
	regex.match(`^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$`, server.model)
	not offline(container)
	some v in verdicts(server.name, server.model, object.get(server, "revision", null), server.modelPath)
	doubt := object.union(pods.doubt(container), seen(v, server))
}

# An address of KServe: hf://org/name:commit.
violations contains v if {
	some [uri, path] in addresses
	startswith(uri, "hf://")
	parts := split(trim_prefix(uri, "hf://"), ":")
	revision := array.concat(array.slice(parts, 1, 2), [null])[0]
	some v in verdicts("KServe", parts[0], revision, path)
}

addresses contains [container.spec.storageUri, array.concat(container.path, ["storageUri"])] if {
	some pod in input.pods
	some container in pod.containers
	container.open
	is_string(container.spec.storageUri)
}

addresses contains [input.object.spec.model.uri, ["spec", "model", "uri"]] if {
	input.workload.kind == "LLMInferenceService"
	is_string(input.object.spec.model.uri)
}

verdicts(server, model, revision, path) := [{
	"check": "unnamed",
	"path": path,
	"detail": {"server": server, "model": model},
}] if {
	revision in {null, ""}
} else := [{
	"check": "floating",
	"path": path,
	"detail": {"server": server, "model": model, "revision": revision},
}] if {
	revision in params.floating
} else := []

# More arguments may stand where nobody here can look.
seen(v, server) := {"unknown": "the arguments of the server are not all visible here"} if {
	v.check == "unnamed"
	server.visible == false
} else := {}

offline(container) if {
	some variable in container.spec.env
	variable.name in {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}
	lower(variable.value) in {"1", "on", "yes", "true"}
}
