# METADATA
# title: Shared memory is too small, too large or missing for several GPUs
# description: |-
#   The processes of a server that spreads a model over several GPUs pass tensors through /dev/shm
#   (NCCL and RCCL where peer access is missing, the workers' message queues, data loaders). The
#   container runtime gives each container 64 MiB of it: the server starts, loads the model for
#   minutes and then hangs, or dies with a bus error or "unable to mmap", at the first large batch.
#   A memory-backed emptyDir at /dev/shm is the remedy. What is in there is charged to the
#   container's memory: without a `sizeLimit` it grows until the container or its node runs out, and
#   with one above the memory limit the container is killed before the volume is ever full.
#   Looked at are containers with more than one whole GPU. Kinds whose operator mounts /dev/shm (Ray,
#   NIM, LLMInferenceService) are not reported for lacking it.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/storage/volumes/#emptydir
#   description: emptyDir, also in memory
# - ref: https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/troubleshooting.html#shared-memory
#   description: NCCL and shared memory
# custom:
#   id: KARB-ST-003
#   severity: warning
#   since: 0.1.0
#   match: [pods]
#   checks:
#     missing: '{role} container {container} has {gpus} GPUs and the 64 MiB of /dev/shm that every container gets'
#     medium: 'volume {volume} at /dev/shm of {role} container {container} ({gpus} GPUs) is not in memory'
#     unlimited: 'volume {volume}, the shared memory of {role} container {container}, has no sizeLimit'
#     large: 'volume {volume}, the shared memory of {role} container {container}, may take {size}, more than the memory limit of {limit}'
#   remediation: |-
#     Mount a volume in memory, and count its size in the container's memory limit:
#
#       containers:
#         - name: server
#           resources:
#             limits:
#               memory: 64Gi
#               nvidia.com/gpu: 2
#           volumeMounts:
#             - name: shm
#               mountPath: /dev/shm
#       volumes:
#         - name: shm
#           emptyDir:
#             medium: Memory
#             sizeLimit: 8Gi
#
#     A few GiB are enough for serving; data loaders of training jobs may need more.
package karb.storage.st_shm

import data.karb.lib.pods
import data.karb.lib.shm

violations contains object.union(v, {"detail": object.union(detail, v.detail)}) if {
	some pod in input.pods
	some container in pod.containers
	gpus := shm.several(container)
	pod.os != "windows" # which has no /dev/shm
	not pod.spec.hostIPC # then /dev/shm is the node's, which pss-baseline reports
	some v in verdicts(pod, container)
	detail := {"container": container.name, "role": container.role, "gpus": gpus}
}

verdicts(pod, container) := found if {
	count(shm.mounts(container)) == 0
	found := [object.union(v, pods.doubt(container)) |
		not pods.injected("shm")
		v := {"check": "missing", "path": array.concat(container.path, ["volumeMounts"]), "detail": {}}
	]
} else := [v |
	some [i, mount] in shm.mounts(container)
	path := array.concat(container.path, ["volumeMounts", i])
	some v in of_mount(pod, container, mount.name, path)
]

of_mount(pod, container, volume, path) := found if {
	dirs := [dir | some dir in pod.emptyDirs; dir.name == volume; dir.medium == "Memory"]
	count(dirs) > 0
	found := [v | some dir in dirs; v := of_size(pod, container, dir)]
} else := [object.union(v, seen(pod, volume)) |
	not of_node(pod, volume)
	v := {"check": "medium", "path": path, "detail": {"volume": volume}}
]

of_size(_, _, dir) := v if {
	dir.sizeLimit == null
	v := {"check": "unlimited", "path": array.concat(dir.path, ["sizeLimit"]), "detail": {"volume": dir.name}}
}

of_size(pod, container, dir) := v if {
	[limit, written] := limit_of(pod, container)
	dir.sizeLimit > limit
	v := {
		"check": "large",
		"path": array.concat(dir.path, ["sizeLimit"]),
		"detail": {"volume": dir.name, "size": dir.raw, "limit": written},
	}
}

# The memory that the container may take, and how it is written.
limit_of(pod, container) := [container.limits.memory, container.spec.resources.limits.memory] if {
	pods.positive(container, "limits", "memory")
} else := [pod.podResources.limits.memory, pod.spec.resources.limits.memory] if {
	pods.positive(pod.podResources, "limits", "memory")
}

# The node's own /dev/shm is shared memory; st-hostpath reports it for what else it is.
of_node(pod, name) if {
	some volume in pod.spec.volumes
	volume.name == name
	volume.hostPath
}

# A volume that is not in the pod's list: a claim of a StatefulSet, or an operator's own.
seen(pod, name) := pods.pod_doubt(pod) if {
	names := {volume.name | some volume in pod.spec.volumes}
	not name in names
} else := {}
