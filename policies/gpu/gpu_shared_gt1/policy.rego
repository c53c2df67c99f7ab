# METADATA
# title: A container asks for more than one shared GPU
# description: |-
#   A shared unit is a turn on a GPU, not a fixed part of it: two units give neither twice the memory
#   nor twice the time, and both may be of the same physical device, on which a tensor-parallel server
#   then deadlocks or runs out of memory. With `failRequestsGreaterThanOne` (the default for MPS),
#   and in GKE, the device plugin refuses the pod: it ends with UnexpectedAdmissionError after it
#   was scheduled, and its controller makes the next one.
# related_resources:
# - ref: https://github.com/NVIDIA/k8s-device-plugin#shared-access-to-gpus
#   description: Shared access to GPUs
# - ref: https://cloud.google.com/kubernetes-engine/docs/concepts/timesharing-gpus
#   description: GPU sharing strategies in GKE
# custom:
#   id: KARB-GPU-009
#   severity: warning
#   since: 0.1.0
#   paper: III. GPU scheduling and allocation
#   match: [pods]
#   params:
#     labels:
#       type: object
#       additionalProperties: {type: array, items: {type: string}}
#       description: Node label to the values (globs) that stand for shared GPUs.
#       default:
#         nvidia.com/gpu.sharing-strategy: [time-slicing, mps]
#         nvidia.com/gpu.product: ["*-SHARED"]
#         cloud.google.com/gke-gpu-sharing-strategy: [time-sharing, mps]
#   checks:
#     several: 'container {container} asks for {count} of {resource}, which is shared{where}: more than one brings no proportional gain'
#   remediation: |-
#     Ask for one unit:
#
#       resources:
#         limits:
#           nvidia.com/gpu.shared: 1
#
#     A workload that needs more than a share needs a whole GPU (`nvidia.com/gpu`) or a larger
#     MIG partition.
package karb.gpu.gpu_shared_gt1

import data.karb.lib.gpu_sharing

params := input.params["gpu-shared-gt1"]

violations contains several(container, gpu, "") if {
	some container in input.pods[_].containers
	some gpu in container.gpus
	gpu.form == "shared"
	amount(gpu) > 1
}

violations contains several(container, gpu, where) if {
	some pod in input.pods
	count(pod.gpu.resources) > 0
	shared := gpu_sharing.selectors(pod, params.labels)
	count(shared) > 0
	where := concat("", [" by ", gpu_sharing.selector_text(shared[0])])
	some container in pod.containers
	some gpu in container.gpus
	gpu.form in {"device", "partition"}
	gpu.vendor == "nvidia"
	not hami(container)
	amount(gpu) > 1
}

# HAMi counts physical devices in `nvidia.com/gpu`, and the share of each beside it.
hami(container) if {
	some gpu in container.gpus
	gpu.form == "portion"
}

amount(gpu) := gpu.limit / 1000 if {
	is_number(gpu.limit)
} else := gpu.request / 1000

several(container, gpu, where) := {
	"check": "several",
	"path": gpu.path,
	"detail": {
		"container": container.name, "resource": gpu.resource,
		"count": amount(gpu), "where": where,
	},
}
