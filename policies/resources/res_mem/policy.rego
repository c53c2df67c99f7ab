# METADATA
# title: A container has no memory limit
# description: |-
#   A model server's host memory grows with batch size, tokenizer workers and pinned buffers. With
#   no limit it grows until the node runs out, and the kernel or the kubelet then ends whichever
#   pod on that GPU node looks worst: often the neighbour, with minutes of model load ahead of it.
#   With a limit only the container that leaks is restarted. One container without a limit is
#   enough, so init containers and sidecars count; a pod-level limit covers them all. A limit of
#   `0` is accepted by the API server and means no limit, and `512m` means half a byte: the suffix
#   for mebibytes is `Mi`. No container starts within less than 1 MiB. Defaults that a LimitRange
#   sets are seen on Pods, not on the templates they come from.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
#   description: Resource management for pods and containers
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/assign-pod-level-resources/
#   description: Assign pod-level CPU and memory resources
# - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
#   description: Node-pressure eviction
# custom:
#   id: KARB-RES-002
#   severity: error
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [pods]
#   checks:
#     missing: '{role} container {container} has no memory limit'
#     zero: '{role} container {container} sets a memory limit of 0, which means no limit'
#     tiny: '{role} container {container} sets a memory limit of {value}, less than 1 MiB: plain numbers are bytes, m is a thousandth of one; mebibytes are Mi'
#   remediation: |-
#     Give the container a memory limit above its measured peak (working set under the largest
#     batch, model load included), and request what it uses steadily:
#
#       resources:
#         requests:
#           memory: 24Gi
#         limits:
#           memory: 32Gi
#
#     Or bound all containers of the pod together with `spec.resources.limits.memory`.
package karb.resources.res_mem

import data.karb.lib.pods

violations contains object.union(verdict(container), place) if {
	some [pod, container] in pods.all_resourced
	not pods.positive(container, "limits", "memory")
	not pods.positive(pod.podResources, "limits", "memory")
	place := {
		"path": array.concat(container.path, ["resources", "limits", "memory"]),
		"detail": {"container": container.name, "role": container.role},
	}
}

violations contains v if {
	some [_, container] in pods.all_resourced
	memory := container.limits.memory
	memory < mebibyte
	memory > 0
	v := {
		"check": "tiny",
		"path": array.concat(container.path, ["resources", "limits", "memory"]),
		"detail": {"container": container.name, "role": container.role, "value": written(container)},
	}
}

# Quantities are in thousandths of their unit.
mebibyte := 1048576000

# The limit as its author wrote it; where the kind has its own notation, in bytes.
written(container) := container.spec.resources.limits.memory

written(container) := container.limits.memory / 1000 if {
	not container.spec.resources.limits.memory
}

verdict(container) := {"check": "zero"} if {
	container.limits.memory == 0
} else := object.union({"check": "missing"}, pods.resource_doubt(container))
