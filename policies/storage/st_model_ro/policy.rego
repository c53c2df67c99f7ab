# METADATA
# title: A model server can write to the models that it serves
# description: |-
#   Model files are code as far as trust goes: pickled weights, tokenizers and templates run in every
#   replica that loads them. Where the server may write to the volume, whoever gets into one replica
#   changes what all others load at their next start, and a bug, a full disk or a half-finished
#   download damages the one copy that the whole fleet shares. The server only reads: mounted
#   read-only, the volume can't be changed by it; an init container or a Job that fetches may write.
#   Looked at are the containers that hold the GPU, and volumes that hold models by their mount
#   path, name or claim. Scratch volumes of the pod count where another container fills them.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/storage/volumes/#read-only-mounts
#   description: Read-only mounts
# custom:
#   id: KARB-ST-001
#   severity: warning
#   since: 0.1.0
#   match: [pods]
#   params:
#     mountPaths:
#       type: array
#       items: {type: string, format: glob, minLength: 1}
#       description: Mount paths of models (globs; `*` stands for anything, slashes too).
#       default: [/model, /models, /model/*, /models/*, /model-store, /model-repository, /mnt/model, /mnt/models, /mnt/models/*, "*/models", "*/model_repository", "*/model-repository"]
#     volumes:
#       type: array
#       items: {type: string, format: glob, minLength: 1}
#       description: Names of volumes and claims that hold models (globs).
#       default: [model, models, model-*, models-*, "*-model", "*-models", weights, "*-weights"]
#     caches:
#       type: array
#       items: {type: string, format: glob, minLength: 1}
#       description: Mount paths, volumes and claims that the server fills by itself and may write to (globs). A mount path for models comes first.
#       default: ["*cache*", "*tmp*", "*output*"]
#   checks:
#     writable: 'container {container} may write to volume {volume} at {mountPath}, which holds models'
#   remediation: |-
#     Mount the volume read-only in the server, and let something else fill it:
#
#       containers:
#         - name: server
#           volumeMounts:
#             - name: models
#               mountPath: /models
#               readOnly: true
#       volumes:
#         - name: models
#           persistentVolumeClaim:
#             claimName: llm-models
#             readOnly: true
#
#     A server that writes compiled kernels or downloads needs a scratch volume beside it (an
#     emptyDir at the path of `HF_HOME` or `VLLM_CACHE_ROOT`).
package karb.storage.st_model_ro

import data.karb.lib.globs
import data.karb.lib.gpu

params := input.params["st-model-ro"]

violations contains object.union(v, certainty) if {
	input.workload.role in {"serving", "pod", "runtime"}
	some [_, pod, certainty] in gpu.users
	some container in servers(pod)
	some i, mount in container.spec.volumeMounts
	not mount.readOnly
	volume := volume_of(pod, mount.name)
	not read_only(volume)
	filled(pod, container, mount.name, volume)
	holds_models(mount, volume) # last: comparing globs costs most
	v := {
		"check": "writable",
		"path": array.concat(container.path, ["volumeMounts", i, "readOnly"]),
		"detail": {"container": container.name, "volume": mount.name, "mountPath": mount.mountPath},
	}
}

# The containers that hold the GPU; all main ones where it belongs to none in particular.
servers(pod) := holders if {
	holders := [container | some container in pod.containers; container.role == "main"; count(container.gpus) > 0]
	count(holders) > 0
} else := [container | some container in pod.containers; container.role == "main"]

# The volume, or what its absence from the list says: nothing.
volume_of(pod, name) := found[0] if {
	found := [volume | some volume in pod.spec.volumes; volume.name == name]
} else := {}

holds_models(mount, _) if {
	globs.any_of(params, "mountPaths", mount.mountPath)
	not globs.any_of(params, "caches", mount.mountPath)
}

holds_models(mount, volume) if {
	claim := object.get(volume, ["persistentVolumeClaim", "claimName"], mount.name)
	some name in {mount.name, claim}
	globs.any_of(params, "volumes", name)
	every place in {mount.mountPath, mount.name, claim} {
		not globs.any_of(params, "caches", place)
	}
}

read_only(volume) if {
	some source in volume
	source.readOnly
}

read_only(volume) if {
	some source in ["configMap", "secret", "projected", "downwardAPI", "image"]
	volume[source]
}

# A volume that the pod has for itself is the server's own scratch space, unless another container
# of the pod puts something into it. Others hold what somebody else put there.
filled(_, _, _, volume) if {
	count(volume) > 0
	not volume.emptyDir
	not volume.ephemeral
}

filled(pod, server, name, _) if {
	some container in pod.containers
	container.name != server.name
	some mount in container.spec.volumeMounts
	mount.name == name
	not mount.readOnly
}
