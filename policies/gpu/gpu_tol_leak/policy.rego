# METADATA
# title: A GPU toleration sits on a pod that requests no GPU
# description: |-
#   The taint on GPU nodes exists so that only GPU workloads land there. A web server or data job
#   that carries the toleration (copied from a sibling, or set for a whole chart) is scheduled onto
#   a GPU node whenever the CPU pool is full: it takes the CPU and memory that the GPUs need, so
#   that GPUs stay unallocatable, keeps an otherwise empty GPU node from scaling down, and makes
#   the GPU pool grow for CPU work. The bill shows it weeks later; Kubernetes never reports it.
#   DaemonSets (drivers, exporters, log agents) belong on every node and are exempt.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
#   description: Taints and tolerations
# - ref: https://kubernetes.io/docs/concepts/cluster-administration/node-autoscaling/
#   description: Node autoscaling
# custom:
#   id: KARB-GPU-001
#   severity: error
#   since: 0.1.0
#   paper: II. Autoscaling as a control system
#   match: [pods]
#   params:
#     namespaces:
#       type: array
#       items: {type: string, format: glob}
#       description: Namespaces whose pods may tolerate GPU taints without a GPU (globs).
#       default: [kube-system, gpu-operator, nvidia-gpu-operator, nvidia-device-plugin, nvidia-dra-driver-gpu, kube-amd-gpu]
#     kinds:
#       type: array
#       items: {type: string, format: glob}
#       description: Kinds that may, as group/Kind (globs; `/Pod` for the core group).
#       default: []
#   checks:
#     leak: 'toleration {toleration} admits this pod to GPU nodes, but no container requests a GPU'
#   remediation: |-
#     Remove the toleration. If the pod is meant to use a GPU, request it, which is what accounts
#     for the device:
#
#       resources:
#         limits:
#           nvidia.com/gpu: 1
#
#     If it must run beside the GPUs (an exporter, a cache), make it a DaemonSet, or list its
#     namespace in the parameter `namespaces`.
package karb.gpu.gpu_tol_leak

import data.karb.lib.allow
import data.karb.lib.gpu

params := input.params["gpu-tol-leak"]

violations contains object.union(v, certainty) if {
	some pod in input.pods
	some toleration in pod.tolerations
	toleration.gpu
	not toleration.wild
	certainty := gpu.bystander(pod)
	not allow.exempt(params)
	v := {
		"check": "leak",
		"path": toleration.path,
		"detail": {"toleration": gpu.toleration_text(toleration)},
	}
}
