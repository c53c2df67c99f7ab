# METADATA
# title: A pod without a GPU runs on a GPU node
# description: |-
#   A GPU node is paid for its GPUs. A CPU pod on it takes the cores and the memory that the next
#   GPU pod needs beside its device, so that a GPU stays free that nobody can be given; and the node
#   can't be removed at night as long as the pod is there. It shows as a GPU pool that never
#   gets smaller. The taint of the pool is what keeps such pods away: one that got there tolerates
#   it, or the node lacks it.
#   Not reported are DaemonSets and static pods, which belong to every node, pods that have ended,
#   and the namespaces of the parameter.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#example-use-cases
#   description: Nodes with special hardware
# custom:
#   id: KARB-COST-002
#   severity: warning
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match: [/Pod]
#   context: [boundnode]
#   params:
#     namespaces:
#       type: array
#       items: {type: string, format: glob}
#       description: Namespaces whose pods may run on every node (globs).
#       default: [kube-system, gpu-operator, "nvidia-*", amd-gpu-operator, kube-amd-gpu]
#     kinds:
#       type: array
#       items: {type: string, format: glob}
#       description: Kinds whose pods may run on every node (globs over group/Kind).
#       default: []
#   checks:
#     idle: 'the pod requests no GPU and is bound to node {node}, which has {accelerators}'
#   remediation: |-
#     Keep it away: taint the GPU pool, and remove the toleration from the pod's template.
#
#       kubectl taint nodes gpu-1 nvidia.com/gpu=present:NoSchedule
#
#     Pods that are there already stay until they are deleted; `NoExecute` evicts them.
package karb.cost.cost_cpu_on_gpu

import data.karb.lib.allow
import data.karb.lib.gpu

params := input.params["cost-cpu-on-gpu"]

violations contains object.union(v, doubt) if {
	some pod in input.pods
	is_string(pod.spec.nodeName)
	pod.spec.nodeName != ""
	not pod.gpu.unaccounted # it uses one, if by a back door: gpu-bypass says so
	certainty := gpu.bystander(pod)
	not allow.exempt(params)
	some node in nodes
	doubt := object.union(certainty, node.doubt)
	v := {
		"check": "idle",
		"path": array.concat(pod.path, ["nodeName"]),
		"detail": {"node": pod.spec.nodeName, "accelerators": node.accelerators},
	}
}

nodes := [] if {
	input.context.boundnode.ended
} else := [{"doubt": {}, "accelerators": names} | count(names) > 0] if {
	names := input.context.boundnode.accelerators
} else := [{"doubt": {"unknown": "the node that the pod is bound to is not visible here"}, "accelerators": []}]
