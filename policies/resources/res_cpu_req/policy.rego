# METADATA
# title: A container of a GPU pod requests no CPU
# description: |-
#   A GPU waits for its CPU: tokenizing, batching, image decoding and the launch of kernels run on
#   it. Without a request the container has the lowest share of a busy node (CPU weight 1), so a
#   neighbour's build or data loader can halve tokens per second while the GPU still shows as
#   allocated and paid for; and a CPU-utilisation autoscaler can't compute anything. A request
#   follows a CPU limit where only that is set, and a pod-level request covers all containers.
#   Whether to *limit* CPU is your choice (`limit`): a limit throttles bursts such as model load,
#   and many teams refuse it, while the KARB paper's template sets one.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
#   description: Resource management for pods and containers
# - ref: https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
#   description: Quality of service classes
# custom:
#   id: KARB-RES-003
#   severity: warning
#   since: 0.1.0
#   paper: III. GPU scheduling and allocation
#   match: [pods]
#   params:
#     limit:
#       type: string
#       enum: [ignore, require, forbid]
#       description: Whether containers of GPU pods must have (require) or must not have (forbid) a CPU limit.
#       default: ignore
#   checks:
#     missing: '{role} container {container} of a GPU pod requests no CPU'
#     limit-missing: '{role} container {container} of a GPU pod has no CPU limit, which the parameter `limit` requires'
#     limit-set: '{holder} has a CPU limit, which the parameter `limit` forbids for GPU pods'
#   remediation: |-
#     Request the CPU that the GPUs need; 4 to 8 cores a GPU is usual for model servers, 100m for
#     a log or metrics sidecar:
#
#       resources:
#         requests:
#           cpu: "4"
package karb.resources.res_cpu_req

import data.karb.lib.gpu
import data.karb.lib.pods

params := input.params["res-cpu-req"]

violations contains object.union(v, doubt) if {
	some [_, pod, certainty] in gpu.users
	some [check, section] in wanted
	some container in pods.resourced(pod)
	not pods.positive(container, section, "cpu")
	not pods.positive(pod.podResources, section, "cpu")
	v := found(check, container.path, section, {"container": container.name, "role": container.role})
	doubt := object.union(pods.resource_doubt(container), certainty)
}

violations contains object.union(v, certainty) if {
	params.limit == "forbid"
	some [_, pod, certainty] in gpu.users
	some container in pods.resourced(pod)
	pods.positive(container, "limits", "cpu")
	v := found("limit-set", container.path, "limits", {"holder": concat(" ", ["container", container.name])})
}

violations contains object.union(v, certainty) if {
	params.limit == "forbid"
	some [_, pod, certainty] in gpu.users
	pods.positive(pod.podResources, "limits", "cpu")
	v := found("limit-set", pod.path, "limits", {"holder": "the pod"})
}

wanted := [["missing", "requests"], ["limit-missing", "limits"]] if {
	params.limit == "require"
} else := [["missing", "requests"]]

found(check, base, section, detail) := {
	"check": check,
	"path": array.concat(base, ["resources", section, "cpu"]),
	"detail": detail,
}
