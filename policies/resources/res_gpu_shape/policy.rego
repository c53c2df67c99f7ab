# METADATA
# title: A GPU quantity is not a whole number, has no limit, or differs between request and limit
# description: |-
#   Devices are handed out whole, and the limit is what the device plugin allocates: a request can
#   be neither below nor above it. For `nvidia.com/gpu` and other extended resources the API server
#   refuses Pods and built-in controllers, but it accepts the InferenceService or the RayCluster
#   whose operator makes them: nothing ever starts, and the reason is hidden in the operator's log
#   or in an event. For `deviceclass.resource.kubernetes.io/*` names the API server checks
#   nothing at all (the prefix counts as native, so overcommitting it is allowed), and the pod
#   waits for devices that no scheduler can give it.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/
#   description: Schedule GPUs
# - ref: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#extended-resources
#   description: Extended resources
# - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
#   description: Dynamic Resource Allocation
# custom:
#   id: KARB-RES-001
#   severity: error
#   since: 0.1.0
#   paper: III. GPU scheduling and allocation
#   match: [pods]
#   checks:
#     fractional: 'container {container} sets {resource} to {value} in {section}, but devices are counted in whole numbers'
#     no-limit: 'container {container} requests {value} of {resource} without a limit, and only a limit allocates devices'
#     mismatch: 'container {container} requests {value} of {resource} with a limit of {limit}; both must be equal'
#   remediation: |-
#     Write the whole number of devices under `limits` and leave the request out (it follows the
#     limit), or repeat the same number:
#
#       resources:
#         limits:
#           nvidia.com/gpu: 1
#
#     To use less than one GPU, ask for a shared or partitioned resource (`nvidia.com/gpu.shared`,
#     `nvidia.com/mig-1g.10gb`) or a ResourceClaim instead of a fraction.
package karb.resources.res_gpu_shape

import data.karb.lib.gpu as gpus
import data.karb.lib.pods

violations contains found("fractional", container, gpu, section, detail) if {
	some container in input.pods[_].containers
	some gpu in container.gpus
	some section in gpu.declared
	not whole(amount(gpu, section))
	detail := {"section": section, "value": written(container, gpu, section)}
}

violations contains object.union(v, pods.doubt(container)) if {
	some container in input.pods[_].containers
	some gpu in container.gpus
	is_null(gpu.limit)
	gpu.request > 0
	v := found("no-limit", container, gpu, "limits", {"value": written(container, gpu, "requests")})
}

violations contains found("mismatch", container, gpu, "requests", detail) if {
	some container in input.pods[_].containers
	some gpu in container.gpus
	is_number(gpu.limit)
	is_number(gpu.request)
	gpu.request != gpu.limit
	detail := {"value": written(container, gpu, "requests"), "limit": written(container, gpu, "limits")}
}

found(check, container, gpu, section, detail) := {
	"check": check,
	"path": gpus.quantity_path(gpu, section),
	"detail": object.union({"container": container.name, "resource": gpu.resource}, detail),
}

# The quantity as its author wrote it; where the kind has its own notation, as a number.
written(container, gpu, section) := value if {
	value := container.spec.resources[section][gpu.resource]
} else := amount(gpu, section) / 1000

amount(gpu, "limits") := gpu.limit

amount(gpu, "requests") := gpu.request

# Of thousandths; undefined for parts of those.
whole(milli) if milli % 1000 == 0
