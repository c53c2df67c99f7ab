# METADATA
# title: A volume is a directory of the node
# description: |-
#   A model cache on the node's disk is quick to set up and hard to own. Each node has its own copy:
#   a replica that moves to a new GPU node waits for the whole download again, in the middle of the
#   burst it was added for, and two nodes may serve different files under one name. Nobody counts
#   the space, so a full disk evicts every pod of the node. Whoever writes to the directory, from
#   any pod that mounts it, changes the weights and the custom code that the others load; and a
#   path wide enough (`/`, `/var/lib`, the socket of the container runtime) hands over the node.
#   Pods of DaemonSets are exempt, as are device files of GPUs: they are access to a GPU, not storage.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/storage/volumes/#hostpath
#   description: hostPath
# - ref: https://kubernetes.io/docs/concepts/storage/volumes/#image
#   description: Volumes from OCI images
# custom:
#   id: KARB-ST-002
#   severity: error
#   since: 0.1.0
#   match: [pods]
#   identity: value
#   params:
#     allowed:
#       type: array
#       items: {type: string, format: glob, minLength: 1}
#       description: Paths of the node that any pod may mount (globs; `*` stands for anything, slashes too).
#       default: [/etc/localtime, /usr/share/zoneinfo, /usr/share/zoneinfo/*]
#     namespaces:
#       type: array
#       items: {type: string, format: glob}
#       description: Namespaces whose pods may mount any path (globs).
#       default: [kube-system, gpu-operator, nvidia-gpu-operator, nvidia-device-plugin, nvidia-dra-driver-gpu, kube-amd-gpu]
#     kinds:
#       type: array
#       items: {type: string, format: glob}
#       description: Kinds that may, as group/Kind (globs; `/Pod` for the core group).
#       default: []
#   checks:
#     hostPath: 'volume {volume} is {hostPath} of whichever node the pod runs on (hostPath)'
#   remediation: |-
#     Keep models in storage that follows the pod and that one writer fills. A claim that many
#     pods read:
#
#       volumes:
#         - name: models
#           persistentVolumeClaim:
#             claimName: llm-models # accessModes: [ReadOnlyMany] or [ReadWriteMany]
#             readOnly: true
#
#     or a model packed as an OCI image, which the node pulls once and keeps:
#
#       volumes:
#         - name: models
#           image:
#             reference: registry.example.com/models/llm@sha256:<digest>
#
#     A cache that may be lost is an emptyDir with a `sizeLimit`; for fast local disks use a
#     storage class with local volumes. What has to be a path of the node goes into `allowed`.
package karb.storage.st_hostpath

import data.karb.lib.allow
import data.karb.lib.globs

params := input.params["st-hostpath"]

violations contains v if {
	some pod in input.pods
	some i, volume in pod.spec.volumes
	host_path := volume.hostPath.path
	path := array.concat(pod.path, ["volumes", i, "hostPath", "path"])
	not allowed(host_path)
	not device(pod, path)
	not allow.exempt(params)
	v := {
		"check": "hostPath",
		"path": path,
		"detail": {"volume": object.get(volume, "name", ""), "hostPath": host_path},
	}
}

# `/models/../etc` is /etc; the API server refuses it, but a manifest may hold it.
allowed(path) if {
	not contains(path, "..")
	globs.any_of(params, "allowed", path)
}

# A device file of a GPU (test 6 of the GPU detection).
device(pod, path) if {
	some evidence in pod.gpu.evidence
	evidence.test == 6
	evidence.path == path
}
