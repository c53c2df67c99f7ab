# METADATA
# title: A critical service runs on a shared GPU
# description: |-
#   Time-slicing and its relatives let several pods use one GPU in turns. They share its memory: one
#   neighbour that allocates more than before ends the others with an out-of-memory error at their
#   next request. They share its faults: an illegal access or a hung kernel of one resets all. And
#   they share its time, so that a p95 latency holds only as long as the neighbours are idle. MPS
#   limits memory and threads but not faults. What a critical tier may share is a MIG partition, which
#   has memory, caches and faults of its own.
#   Looked at are resource names (`*.shared`), shares asked for beside them (HAMi's `gpumem`, the
#   KAI scheduler's `gpu-fraction`), the parameters of resource claims, and required node labels.
#   Where nodes share a GPU under its plain name, nothing in the pod shows it.
# related_resources:
# - ref: https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-sharing.html
#   description: Time-slicing GPUs in Kubernetes
# - ref: https://cloud.google.com/kubernetes-engine/docs/concepts/timesharing-gpus
#   description: GPU sharing strategies in GKE
# custom:
#   id: KARB-GPU-008
#   severity: error
#   since: 0.1.0
#   paper: III. GPU scheduling and allocation
#   match: [pods]
#   params:
#     tiers:
#       type: array
#       items: {type: string}
#       description: Tiers that need a device, or an isolated part of one, for themselves.
#       default: [critical]
#     labels:
#       type: object
#       additionalProperties: {type: array, items: {type: string}}
#       description: Node label to the values (globs) that stand for shared GPUs. Take `mps` out where MPS is good enough.
#       default:
#         nvidia.com/gpu.sharing-strategy: [time-slicing, mps]
#         nvidia.com/gpu.product: ["*-SHARED"]
#         cloud.google.com/gke-gpu-sharing-strategy: [time-sharing, mps]
#     strategies:
#       type: array
#       items: {type: string}
#       description: Strategies in the parameters of a resource claim that stand for shared GPUs.
#       default: [TimeSlicing, MPS]
#   checks:
#     shared: 'tier {tier} runs on a shared GPU: {what} isolates neither memory nor faults'
#   remediation: |-
#     Give it a whole GPU, or a MIG partition where it needs less:
#
#       resources:
#         limits:
#           nvidia.com/mig-2g.20gb: 1
#
#     and select nodes that don't share their devices. If the service can live with its
#     neighbours, it belongs to another tier.
package karb.gpu.gpu_shared_tier

import data.karb.lib.gpu
import data.karb.lib.gpu_sharing

params := input.params["gpu-shared-tier"]

violations contains object.union(v, certainty) if {
	some [_, pod, certainty] in gpu.users
	tier := pod.slo.tier.value
	tier in params.tiers
	some shares in [by_resource(pod), by_annotation(pod), by_claim(pod), by_node(pod)]
	some [what, path] in shares
	v := found(tier, what, path)
}

# Whose parameters may ask for sharing.
violations contains object.union(v, {"unknown": claim.why}) if {
	some pod in input.pods
	count(pod.claims) > 0
	tier := pod.slo.tier.value
	tier in params.tiers
	some claim in pod.claims
	is_null(claim.gpu)
	v := found(tier, claim.name, claim.path)
}

by_resource(pod) := [[gpu_.resource, gpu_.path] |
	some container in pod.containers
	some gpu_ in container.gpus
	not_isolated(gpu_)
]

not_isolated(gpu_) if gpu_.form == "shared"

# HAMi's shares; Intel's count beside devices of their own.
not_isolated(gpu_) if {
	gpu_.form == "portion"
	gpu_.vendor == "nvidia"
}

by_annotation(pod) := [[evidence.value, evidence.path] |
	some evidence in pod.gpu.evidence
	evidence.test == 4
	some annotation in ["gpu-fraction", "gpu-memory"]
	annotation in evidence.path
]

by_claim(pod) := [[what, claim.path] |
	some claim in pod.claims
	claim.gpu == true
	some strategy in claim.sharing
	strategy in params.strategies
	what := concat(" ", [strategy, "of claim", claim.name])
]

by_node(pod) := [[gpu_sharing.selector_text(selector), selector.path] |
	some selector in gpu_sharing.selectors(pod, params.labels)
]

found(tier, what, path) := {"check": "shared", "path": path, "detail": {"tier": tier, "what": what}}
