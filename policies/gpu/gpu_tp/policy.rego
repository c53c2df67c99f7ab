# METADATA
# title: The model server's parallelism differs from its GPUs
# description: |-
#   A server that is started for more devices than its container has fails at start: vLLM and SGLang
#   with an invalid device ordinal or a rank that never joins, which the probes turn into a restart
#   loop after minutes of image pull and model load. One that is started for fewer leaves the others
#   allocated, paid for and idle: vLLM's and SGLang's default is one, however many GPUs are there.
#   Read are the arguments of vLLM, KServe's huggingfaceserver, SGLang, TensorRT-LLM, Triton's launch
#   script and Text Generation Inference, also inside `sh -c`. Tensor, pipeline, context and data
#   parallelism (as far as it runs in this container) multiply. Kinds and arguments that spread a
#   server over several pods (LeaderWorkerSet, Ray, `--nnodes`) are not judged, nor accelerators
#   whose units are no ranks (Neuron devices, TPU chips; parameter `vendors`).
# related_resources:
# - ref: https://docs.vllm.ai/en/stable/serving/parallelism_scaling/
#   description: vLLM, parallelism and scaling
# - ref: https://docs.sglang.ai/advanced_features/server_arguments.html
#   description: SGLang, server arguments
# - ref: https://huggingface.co/docs/text-generation-inference/reference/launcher
#   description: Text Generation Inference, launcher arguments
# custom:
#   id: KARB-GPU-011
#   severity: warning
#   since: 0.1.0
#   match: [pods]
#   params:
#     vendors:
#       type: array
#       items: {type: string}
#       description: Vendors of accelerators that hold one rank each.
#       default: [nvidia, amd, intel, habana]
#   checks:
#     too-few: '{server} in container {container} is started for {world} devices ({how}), but the container has {devices}'
#     idle: '{server} in container {container} uses {world} of {devices} devices ({how}); the others stay idle'
#   remediation: |-
#     Make both the same number:
#
#       args: [--model, org/model, --tensor-parallel-size, "2"]
#       resources:
#         limits:
#           nvidia.com/gpu: 2
#
#     A model that fits on one GPU needs one; more throughput comes from more replicas.
package karb.gpu.gpu_tp

params := input.params["gpu-tp"]

violations contains v if {
	some pod in input.pods
	some container in pod.containers
	server := container.server
	not other_vendor(pod)
	not spread
	some [check, doubt] in verdict(container, server)
	v := object.union(doubt, {
		"check": check,
		"path": server.path,
		"detail": {
			"server": server.name, "container": container.name, "how": how(server),
			"world": shown(server.world), "devices": shown(container.devices),
		},
	})
}

verdict(container, server) := {["too-few", {}]} if {
	server.world > container.devices
	is_number(container.devices)
} else := {["idle", {}]} if {
	is_number(server.world)
	server.world < container.devices
} else := {["idle", {"unknown": why}]} if {
	is_number(server.world)
	is_null(container.devices)
	why := concat(" ", ["the number of devices that the claims of container", container.name, "give it can't be told"])
} else := {["idle", {"unknown": why}]} if {
	container.devices > 1
	why := concat("", [server.name, " in container ", container.name, ": ", server.why])
} else := set()

other_vendor(pod) if {
	some vendor in pod.gpu.vendors
	not vendor in params.vendors
}

# One replica may be several pods; only of these custom resources it is one.
spread if {
	input.workload.operator
	not input.workload.group in {"serving.kserve.io", "serving.knative.dev", "argoproj.io", "machinelearning.seldon.io"}
}

spread if startswith(input.workload.kind, "LLMInferenceService")

spread if input.object.spec.predictor.workerSpec

spread if input.object.spec.workerSpec

how(server) := "its default" if {
	count(server.said) == 0
} else := concat(", ", server.said)

shown(number) := number if {
	is_number(number)
} else := "?"
