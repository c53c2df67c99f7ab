# METADATA
# title: A GPU node or node pool carries no taint
# description: |-
#   Without a taint every pod that fits may be placed on a GPU node. CPU pods then take the CPU and
#   memory that the GPUs need, so that devices stay idle behind a full node; they keep an empty GPU
#   node from being consolidated; and a pending CPU pod can make the node autoscaler add a GPU node.
#   The taint turns this around: only pods that tolerate it (GPU workloads, and the DaemonSets of
#   the node) land there, and only they make the pool grow. Of a Karpenter NodePool `taints` count:
#   `startupTaints` are gone once the node is ready. `PreferNoSchedule` is only a wish.
#   A Node counts as a GPU node by the devices in its status and by its accelerator labels, a
#   NodePool by requirements that only machines with accelerators meet.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
#   description: Taints and tolerations
# - ref: https://karpenter.sh/docs/concepts/nodepools/
#   description: Karpenter NodePools
# custom:
#   id: KARB-GPU-005
#   severity: warning
#   since: 0.1.0
#   paper: II. Autoscaling as a control system
#   match: [/Node, karpenter.sh/NodePool]
#   params:
#     taints:
#       type: array
#       items: {type: string, format: glob}
#       description: Further taint keys that your GPU pools carry (globs); those that vendors and clouds use are known.
#       default: []
#     exempt:
#       type: array
#       items: {type: string, format: glob}
#       description: Names of nodes and node pools that everybody may use, such as those of a development cluster (globs).
#       default: []
#   checks:
#     missing: '{kind} {name} has accelerators ({accelerators}) but no taint that keeps other pods away'
#     soft: 'taint {taint} of {kind} {name} is only a preference: pods without a GPU still land on its accelerators ({accelerators}) when other nodes are full'
#   remediation: |-
#     Taint the pool where its nodes are made. Karpenter:
#
#       spec:
#         template:
#           spec:
#             taints:
#             - key: nvidia.com/gpu
#               effect: NoSchedule
#
#     A managed node group has the same setting; a single node takes
#     `kubectl taint node <name> nvidia.com/gpu=present:NoSchedule`. GPU workloads tolerate it
#     (see gpu-tol-missing). If the pool carries a key of your own, add it to `taints`.
package karb.gpu.gpu_node_taint

import data.karb.lib.globs
import data.karb.lib.gpu

params := input.params["gpu-node-taint"]

violations contains found("missing", input.node.taintsPath, {}) if {
	judged
	count(guarding) == 0
}

violations contains found("soft", taint.path, {"taint": gpu.toleration_text(taint)}) if {
	judged
	some taint in guarding
	every other in guarding {
		not other.effect in hard
	}
}

judged if {
	count(input.node.accelerators) > 0
	not globs.any_of(params, "exempt", input.object.metadata.name)
}

# The taints that are meant for GPU nodes.
guarding := {taint | some taint in input.node.taints; meant(taint)}

meant(taint) if taint.gpu

meant(taint) if globs.any_of(params, "taints", taint.key)

hard := {"NoSchedule", "NoExecute"}

found(check, path, detail) := {
	"check": check,
	"path": path,
	"detail": object.union(detail, {
		"kind": input.object.kind,
		"name": object.get(input.object, ["metadata", "name"], ""),
		"accelerators": [accelerator.name | some accelerator in input.node.accelerators],
	}),
}
