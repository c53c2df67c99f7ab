# METADATA
# title: A GPU container sets LD_PRELOAD
# description: |-
#   When a container with an NVIDIA GPU starts, a hook of the NVIDIA Container Toolkit runs as root
#   on the node. In versions before 1.17.8 (GPU Operator before 25.3.1) the hook took over the
#   container's environment: LD_PRELOAD then loads a library out of the container's own file system
#   into that process, and the container owns the node with all its GPUs (CVE-2025-23266). Three
#   lines in an image or a manifest are enough. On nodes that are mended, a preloaded allocator is
#   harmless there, and hides what the process really runs. Containers without a GPU are not reported.
# related_resources:
# - ref: https://nvd.nist.gov/vuln/detail/CVE-2025-23266
#   description: CVE-2025-23266
# - ref: https://man7.org/linux/man-pages/man8/ld.so.8.html
#   description: The dynamic linker, LD_PRELOAD
# custom:
#   id: KARB-IMG-005
#   severity: error
#   since: 0.1.0
#   match: [pods]
#   identity: value
#   params:
#     allowed:
#       type: array
#       items: {type: string, format: glob, minLength: 1}
#       description: Values that are approved (globs), such as `/usr/lib/x86_64-linux-gnu/libjemalloc.so.2`, for clusters whose nodes are all mended.
#       default: []
#   checks:
#     preload: '{role} container {container} has a GPU and sets LD_PRELOAD to {value}'
#   remediation: |-
#     Take LD_PRELOAD out of `env`. To run a server with another allocator, set the variable for
#     that process only, in the command:
#
#       command: [env, LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2, vllm, serve]
#
#     Upgrade the NVIDIA Container Toolkit to 1.17.8 or the GPU Operator to 25.3.1 or newer: images
#     can hold the variable as well. If all nodes are mended, list approved values in `allowed`.
package karb.images.img_ldpreload

import data.karb.lib.globs
import data.karb.lib.gpu

params := input.params["img-ldpreload"]

violations contains object.union(v, certainty) if {
	some pod in input.pods
	some container in pod.containers
	some i, variable in container.spec.env
	variable.name == "LD_PRELOAD"
	value := written(variable)
	value != ""
	not globs.any_of(params, "allowed", value)
	certainty := exposed(pod, container)
	v := {
		"check": "preload",
		"path": array.concat(container.path, ["env", i]),
		"detail": {"container": container.name, "role": container.role, "value": value},
	}
}

written(variable) := "what another object says (valueFrom)" if {
	variable.valueFrom
} else := object.get(variable, "value", "")

# Containers that a hook for NVIDIA's GPUs runs for.
exposed(_, container) := {} if {
	some each in container.gpus
	each.vendor in {"nvidia", null}
}

# A GPU by claim, placement or environment belongs to no container in particular.
exposed(pod, _) := user(pod) if {
	every container in pod.containers {
		count(container.gpus) == 0
	}
	vendor(pod)
}

user(pod) := {} if {
	pod.gpu.unaccounted
} else := gpu.user(pod)

vendor(pod) if count(pod.gpu.vendors) == 0

vendor(pod) if "nvidia" in pod.gpu.vendors
