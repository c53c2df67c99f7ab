# METADATA
# title: A GPU workload names its node by hand
# description: |-
#   `nodeName` goes around the scheduler: nobody checks whether the node still has a free GPU, whether
#   its taints are tolerated or whether it exists. If the devices are taken, the kubelet refuses the
#   pod (OutOfnvidia.com/gpu) and the controller makes the next one, without end; with a
#   ResourceClaim the pod waits for ever, because it is the scheduler that allocates claims. When the
#   node is replaced, the pod stays Pending for a machine that is gone, and no autoscaler helps.
#   A live Pod has a `nodeName` because the scheduler bound it. So Pods that the API server has stored
#   already (they have a `resourceVersion`) and those that the kubelet or a DaemonSet made are not
#   reported; a Pod that is about to be created and every template are.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#nodename
#   description: Assigning pods to nodes, nodeName
# - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
#   description: Dynamic Resource Allocation
# custom:
#   id: KARB-GPU-006
#   severity: error
#   since: 0.1.0
#   paper: III. GPU scheduling and allocation
#   match: [pods]
#   checks:
#     named: 'nodeName {nodeName} puts this GPU workload ({resources}) on a node without asking the scheduler whether a device is free'
#   remediation: |-
#     Remove `nodeName` and select nodes by what they have:
#
#       nodeSelector:
#         nvidia.com/gpu.product: NVIDIA-L4
#
#     If it has to be one machine, `kubernetes.io/hostname` in the node selector says so and still
#     leaves devices and taints to the scheduler.
package karb.gpu.gpu_nodename

import data.karb.lib.gpu

violations contains object.union(v, certainty) if {
	some [_, pod, certainty] in gpu.users
	name := pod.spec.nodeName
	name != ""
	not bound
	v := {
		"check": "named",
		"path": array.concat(pod.path, ["nodeName"]),
		"detail": {"nodeName": name, "resources": pod.gpu.resources},
	}
}

bound if {
	input.workload.kind == "Pod"
	input.object.metadata.resourceVersion != ""
}

bound if {
	input.workload.kind == "Pod"
	input.workload.role == "system"
}
