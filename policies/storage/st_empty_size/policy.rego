# METADATA
# title: A scratch volume has no size limit
# description: |-
#   An emptyDir without `sizeLimit` may fill the disk of its node. Models are large: one download
#   that is tried again and again, or a cache that only grows, and the kubelet evicts pods of that
#   node until space is free, often the neighbour that serves, with all its GPUs. With a limit only
#   the pod that grew is evicted. A limit for `ephemeral-storage` on a container does the same: it bounds
#   all that the pod writes, its emptyDirs included. A volume with `medium: Memory` is charged to the memory of the
#   containers that write to it: without a limit it may take all that the pod has, and with one
#   above the pod's memory limits the container is killed before the volume is full. 0 is accepted
#   by the API server and means no limit. The shared memory of several GPUs is left to st-shm.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/storage/volumes/#emptydir
#   description: emptyDir
# - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
#   description: Node-pressure eviction
# custom:
#   id: KARB-ST-004
#   severity: warning
#   since: 0.1.0
#   match: [pods]
#   checks:
#     missing: 'emptyDir {volume} has no sizeLimit and may fill the disk of its node'
#     memory: 'emptyDir {volume} is in memory and has no sizeLimit: what is in it counts as memory of the containers'
#     zero: 'emptyDir {volume} sets a sizeLimit of {size}, which means no limit'
#     large: 'emptyDir {volume} in memory may take {size}, more than the memory limits of all containers of the pod'
#   remediation: |-
#     Give the volume the size that it needs, with room to spare:
#
#       volumes:
#         - name: cache
#           emptyDir:
#             sizeLimit: 20Gi
#
#     and request the space, so that the pod lands on a node that has it
#     (`resources.requests.ephemeral-storage`; a limit for it bounds every volume at once). For `medium: Memory`, raise the memory limit of the
#     containers that use it by the same amount. Models of many GiB belong on a claim.
package karb.storage.st_empty_size

import data.karb.lib.pods
import data.karb.lib.shm

violations contains object.union_n([v, doubt(pod, v), {"path": array.concat(dir.path, ["sizeLimit"])}]) if {
	some pod in input.pods
	some dir in pod.emptyDirs
	v := verdict(pod, dir)
	not shared(pod, dir)
}

shared(pod, dir) if {
	dir.medium == "Memory"
	dir.name in shm.volumes(pod)
}

verdict(pod, dir) := {"check": check, "detail": {"volume": dir.name}} if {
	dir.raw == null
	not bounded(pod, dir)
	check := {true: "memory", false: "missing"}[dir.medium == "Memory"]
}

verdict(_, dir) := {"check": "zero", "detail": {"volume": dir.name, "size": dir.raw}} if {
	dir.raw != null
	dir.sizeLimit == null
}

# The kubelet evicts the pod that writes more than the limits of its containers come to.
bounded(pod, dir) if {
	dir.medium != "Memory"
	some container in pods.resourced(pod)
	pods.positive(container, "limits", "ephemeral-storage")
}

# The limit may stand in what a container is merged with.
doubt(pod, v) := pods.pod_doubt(pod) if {
	v.check == "missing"
} else := {}

verdict(pod, dir) := {"check": "large", "detail": {"volume": dir.name, "size": dir.raw}} if {
	dir.medium == "Memory"
	dir.sizeLimit > memory(pod)
}

# The memory that the pod may take; undefined where a container without a limit bounds nothing.
memory(pod) := pod.podResources.limits.memory if {
	pods.positive(pod.podResources, "limits", "memory")
} else := sum([container.limits.memory | some container in bounded]) if {
	bounded := [container | some container in pods.resourced(pod); pods.positive(container, "limits", "memory")]
	count(bounded) == count(pods.resourced(pod))
}
