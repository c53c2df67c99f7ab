# METADATA
# title: A container mixes whole GPUs with parts, shares or claimed ones
# description: |-
#   A process sees either whole GPUs or one MIG instance: CUDA enumerates no second kind once it has
#   found the first, so a part of what the container is charged for is never used. Whole and shared
#   units may even be the same physical device, which then counts twice, and of devices that come
#   through a ResourceClaim the device plugin knows nothing, so it can hand out the same one again.
#   The plugins and drivers of one vendor also overwrite each other's list of visible devices.
#   HAMi's `nvidia.com/gpumem` and `gpucores` describe a share of the `nvidia.com/gpu` beside them and
#   are no mix. The KAI scheduler refuses pods that ask for a fraction and for whole GPUs.
# related_resources:
# - ref: https://docs.nvidia.com/datacenter/tesla/mig-user-guide/
#   description: MIG user guide, device enumeration
# - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
#   description: Dynamic Resource Allocation
# custom:
#   id: KARB-GPU-007
#   severity: error
#   since: 0.1.0
#   paper: III. GPU scheduling and allocation
#   match: [pods]
#   checks:
#     mixed: 'container {container} mixes {forms}: {resources}'
#     fraction: 'annotation {annotation} asks for a share of one GPU, while container {container} asks for {resources}'
#   remediation: |-
#     Give each container accelerators of one kind. Split what needs several into containers (or
#     pods) of their own:
#
#       containers:
#       - name: server
#         resources:
#           limits:
#             nvidia.com/gpu: 1
#       - name: embedder
#         resources:
#           limits:
#             nvidia.com/mig-1g.10gb: 1
package karb.gpu.gpu_mix

words := {
	"device": "whole devices", "partition": "partitions",
	"shared": "shared devices", "claimed": "claimed devices",
}

violations contains object.union(v, certainty) if {
	some pod in input.pods
	some container in pod.containers
	several(container)
	found := forms(pod, container)
	certainty := doubt(pod, container, found)
	v := {
		"check": "mixed",
		"path": array.concat(container.path, ["resources"]),
		"detail": {
			"container": container.name, "forms": sort(found),
			"resources": array.concat(names(container), claim_names(container)),
		},
	}
}

several(container) if {
	count(container.gpus) > 1
} else if {
	count(container.gpus) > 0
	container.spec.resources.claims
}

violations contains v if {
	some pod in input.pods
	some evidence in pod.gpu.evidence
	evidence.test == 4
	some annotation in ["gpu-fraction", "gpu-memory"]
	annotation in evidence.path
	some container in pod.containers
	resources := names(container)
	count(resources) > 0
	v := {
		"check": "fraction",
		"path": evidence.path,
		"detail": {"annotation": evidence.value, "container": container.name, "resources": resources},
	}
}

forms(pod, container) := {words[gpu.form] | some gpu in container.gpus} | {words.claimed |
	some claim in claims(pod, container)
	claim.gpu == true
}

claims(pod, container) := [claim |
	some entry in container.spec.resources.claims
	some claim in pod.claims
	claim.name == entry.name
]

names(container) := [gpu.resource | some gpu in container.gpus; words[gpu.form]]

doubt(_, _, found) := {} if count(found) > 1

# One kind for certain, and a claim that may be of another one.
doubt(pod, container, found) := {"unknown": claim.why} if {
	found - {words.claimed} == found
	count(found) == 1
	some claim in claims(pod, container)
	is_null(claim.gpu)
}

claim_names(container) := [concat(" ", ["claim", entry.name]) |
	some entry in container.spec.resources.claims
]
