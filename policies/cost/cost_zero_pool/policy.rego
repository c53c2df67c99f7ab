# METADATA
# title: A GPU node pool can't scale to zero
# description: |-
#   GPU nodes are paid by the hour, used or not. A pool whose lower bound is above zero, whose nodes
#   are never removed, or whose size is fixed, goes on costing at night and after the project's end:
#   two idle eight-GPU nodes cost more in a month than most teams' whole CPU fleet.
#   Where a warm node is needed for strict latency, `floor` says how many, for the pools named.
#   Read are Karpenter's NodePool, Cluster API's MachineDeployment, MachinePool and MachineSet with
#   the autoscaler's annotations, AWSManagedMachinePool, AzureManagedMachinePool, Config
#   Connector's ContainerNodePool and eksctl's ClusterConfig. A pool counts as one of GPUs by its
#   requirements, labels, taints, machine type or capacity annotations.
# related_resources:
# - ref: https://karpenter.sh/docs/concepts/disruption/
#   description: Karpenter, disruption of nodes
# - ref: https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/clusterapi/README.md
#   description: Cluster Autoscaler on Cluster API, node groups that scale from zero
# custom:
#   id: KARB-COST-003
#   severity: warning
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - karpenter.sh/NodePool
#   - cluster.x-k8s.io/MachineDeployment
#   - cluster.x-k8s.io/MachinePool
#   - cluster.x-k8s.io/MachineSet
#   - infrastructure.cluster.x-k8s.io/AWSManagedMachinePool
#   - infrastructure.cluster.x-k8s.io/AzureManagedMachinePool
#   - container.cnrm.cloud.google.com/ContainerNodePool
#   - eksctl.io/ClusterConfig
#   context: [nodepools]
#   params:
#     floor:
#       type: object
#       additionalProperties: {type: integer, minimum: 0}
#       description: Names of pools (globs) that are kept warm, to the nodes they may keep.
#       default: {}
#     exempt:
#       type: array
#       items: {type: string, format: glob}
#       description: Names of pools that are paid for in advance, so that zero saves nothing (globs).
#       default: []
#   checks:
#     floor: 'GPU pool {pool} ({evidence}) keeps nodes without work: its lower bound is {value}'
#     static: 'GPU pool {pool} ({evidence}) keeps nodes without work: its size is fixed at {value}'
#     never: 'GPU pool {pool} ({evidence}) keeps its nodes for ever: consolidateAfter is Never'
#     budget: 'GPU pool {pool} ({evidence}) keeps empty nodes: a disruption budget of {value} nodes holds at all times'
#   remediation: |-
#     Let the pool become empty. Karpenter:
#
#       spec:
#         disruption:
#           consolidationPolicy: WhenEmpty
#           consolidateAfter: 10m
#
#     Cluster API with Cluster Autoscaler:
#
#       metadata:
#         annotations:
#           cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size: "0"
#           cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size: "8"
#           capacity.cluster-autoscaler.kubernetes.io/gpu-count: "8"
#           capacity.cluster-autoscaler.kubernetes.io/gpu-type: nvidia.com/gpu
#
#     To forbid disruption only by day, give the budget a `schedule` and a `duration`.
package karb.cost.cost_zero_pool

import data.karb.lib.globs

params := input.params["cost-zero-pool"]

violations contains v if {
	some pool in input.context.nodepools
	not globs.any_of(params, "exempt", pool.name)
	some keep in pool.keeps
	not warm(pool.name, keep.value)
	v := {
		"check": keep.check,
		"path": keep.path,
		"detail": {"pool": pool.name, "evidence": pool.evidence, "value": keep.value},
	}
}

violations contains v if {
	not input.context.nodepools
	v := {"check": "floor", "path": ["spec"], "detail": {}, "unknown": "the pool can't be read here"}
}

warm(name, nodes) if {
	is_number(nodes)
	some pattern, floor in params.floor
	nodes <= floor
	globs.any_match([pattern], name)
}
