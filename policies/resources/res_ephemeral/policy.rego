# METADATA
# title: A model is cached on the node's disk without a bound
# description: |-
#   Weights are tens to hundreds of gigabytes. In an emptyDir without `sizeLimit`, or in the
#   container's own file system, they fill the node's disk: the kubelet then reports DiskPressure,
#   deletes images and evicts pods, those of other teams first, and each replica that starts anew on
#   the node downloads its model again. With a bound only the pod that grows beyond it is evicted, and
#   the scheduler counts what a request for `ephemeral-storage` says.
#   Looked at are GPU containers of services: emptyDirs (not in memory) at a path that holds models,
#   and servers that are told to load a model from a hub while no storage is mounted at all. A limit
#   for `ephemeral-storage` on the container, or a `sizeLimit` of the volume, is a bound.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/storage/ephemeral-storage/
#   description: Local ephemeral storage
# - ref: https://kubernetes.io/docs/concepts/storage/volumes/#emptydir
#   description: emptyDir
# custom:
#   id: KARB-RES-004
#   severity: warning
#   since: 0.1.0
#   match: [pods]
#   params:
#     paths:
#       type: array
#       items: {type: string, format: glob}
#       description: Mount paths that hold models (globs).
#       default: ["/models*", "/model", "/model-*", "/mnt/models*", "*/.cache", "*/.cache/*", "*huggingface*", "/repository*", "/model-repository*"]
#     variables:
#       type: array
#       items: {type: string}
#       description: Environment variables whose value is the path of a model cache.
#       default: [HF_HOME, HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, TRANSFORMERS_CACHE, MODELSCOPE_CACHE, TORCH_HOME, NIM_CACHE_PATH, OLLAMA_MODELS]
#   checks:
#     volume: 'emptyDir {volume} holds models (container {container} mounts it at {mountPath}) and has no sizeLimit, nor has the container a limit for ephemeral-storage'
#     layer: '{server} in container {container} loads {model} into its own file system, and no limit for ephemeral-storage bounds it'
#   remediation: |-
#     Bound the volume, and say what it needs, so that the scheduler finds a node with the space:
#
#       containers:
#       - name: server
#         resources:
#           requests:
#             ephemeral-storage: 60Gi
#           limits:
#             ephemeral-storage: 80Gi
#       volumes:
#       - name: model-cache
#         emptyDir:
#           sizeLimit: 80Gi
#
#     A PersistentVolumeClaim keeps the model over restarts and needs neither.
package karb.resources.res_ephemeral

import data.karb.lib.globs
import data.karb.lib.gpu
import data.karb.lib.pods

params := input.params["res-ephemeral"]

violations contains object.union_n([v, certainty, pods.doubt(container)]) if {
	some [pod, container, certainty] in servers
	some dir in pod.emptyDirs
	dir.medium != "Memory"
	is_null(dir.sizeLimit)
	some mount in container.spec.volumeMounts
	mount.name == dir.name
	holds_models(container, mount.mountPath)
	v := {
		"check": "volume",
		"path": array.concat(dir.path, ["sizeLimit"]),
		"detail": {"volume": dir.name, "container": container.name, "mountPath": mount.mountPath},
	}
}

violations contains object.union(v, certainty) if {
	some [pod, container, certainty] in servers
	not container.open
	server := container.server
	of_a_hub(server.model)
	not has_storage(pod, container)
	v := {
		"check": "layer",
		"path": array.concat(container.path, ["resources", "limits", "ephemeral-storage"]),
		"detail": {"server": server.name, "container": container.name, "model": server.model},
	}
}

# Containers with accelerators of pods that serve, unless a limit bounds all that they write.
# In a list: a set would have to hash whole pods.
servers := [[pod, container, certainty] |
	input.workload.role in ["serving", "pod"]
	some [_, pod, certainty] in gpu.users
	some container in pod.containers
	uses_gpu(pod, container)
	not pods.positive(container, "limits", "ephemeral-storage")
]

uses_gpu(pod, container) if {
	count(container.gpus) > 0
} else if {
	count(container.spec.resources.claims) > 0
} else if {
	# A GPU by annotation belongs to no container in particular.
	container.role == "main"
	some evidence in pod.gpu.evidence
	evidence.test == 4
}

holds_models(_, path) if globs.any_of(params, "paths", path)

# At the cache, above it or below it.
holds_models(container, path) if {
	some cache in caches(container)
	related(slashed(cache), slashed(path))
}

related(one, other) if startswith(one, other)

related(one, other) if startswith(other, one)

slashed(path) := concat("", [trim_suffix(path, "/"), "/"])

caches(container) := {variable.value |
	some variable in container.spec.env
	variable.name in params.variables
	startswith(variable.value, "/")
} | {path | container.server.name == "Text Generation Inference"; path := "/data"}

# `organisation/model`: no path, no URL.
of_a_hub(model) if {
	parts := split(model, "/")
	count(parts) == 2
	not parts[0] in {"", ".", "..", "~"}
	not contains(model, ":")
}

has_storage(pod, container) if {
	some mount in container.spec.volumeMounts
	mount.mountPath != "/dev/shm"
	not mount.name in {volume.name | some volume in pod.spec.volumes; holds_settings(volume)}
}

holds_settings(volume) if {
	some source in {"configMap", "secret", "projected", "downwardAPI"}
	volume[source]
}
