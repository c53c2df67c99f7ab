# METADATA
# title: A GPU workload does not select its accelerator
# description: |-
#   `nvidia.com/gpu: 1` is any GPU: an A100 today, a T4 tomorrow, when a second pool joins the
#   cluster or the autoscaler picks what is cheapest or in stock. The model then runs out of device
#   memory at load, or serves at a third of the speed and misses its latency SLO with nothing
#   changed in the manifest. A node selector or required node affinity on the accelerator's label
#   keeps capacity and measurement true. Claims and device classes of Dynamic Resource Allocation
#   select devices themselves and count as selection; so does a pod that only named nodes may run.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/#manage-clusters-with-different-types-of-gpus
#   description: Clusters with different types of GPUs
# - ref: https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-operator-mig.html
#   description: Node labels of the NVIDIA GPU Operator
# custom:
#   id: KARB-GPU-004
#   severity: warning
#   since: 0.1.0
#   paper: III. GPU scheduling and allocation
#   match: [pods]
#   params:
#     exempt:
#       type: array
#       items: {type: string, format: glob}
#       description: Resource names that stand for one model of accelerator in your clusters, such as `nvidia.com/mig-*` (globs).
#       default: []
#     annotations:
#       type: array
#       items: {type: string}
#       description: Pod annotations by which a GPU scheduler is told the model or the device.
#       default: [nvidia.com/use-gputype, nvidia.com/use-gpuuuid]
#   checks:
#     unpinned: 'this pod requests {resources} but selects no accelerator, so it may land on any GPU model of the cluster'
#   remediation: |-
#     Select the accelerator by the label that your GPU nodes carry:
#
#       nodeSelector:
#         nvidia.com/gpu.product: NVIDIA-A100-SXM4-80GB
#
#     or `cloud.google.com/gke-accelerator`, `karpenter.k8s.aws/instance-gpu-name`, your own
#     `accelerator` label; to allow several models, use required node affinity with `In`.
package karb.gpu.gpu_pin

import data.karb.lib.globs
import data.karb.lib.gpu
import data.karb.lib.pods

params := input.params["gpu-pin"]

violations contains object.union(v, doubt) if {
	not pods.injected("nodeSelector")
	some [_, pod, certainty] in gpu.users
	not pinned(pod)
	doubt := object.union(certainty, pods.placement_doubt(pod))
	v := {
		"check": "unpinned",
		"path": array.concat(pod.path, ["nodeSelector"]),
		"detail": {"resources": pod.gpu.resources},
	}
}

pinned(pod) if {
	some selector in pod.selectors
	selector.gpu
} else if {
	pod.spec.nodeSelector[hostname]
} else if {
	# Terms are alternatives: each must name its nodes.
	terms := pod.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms
	count(terms) > 0
	every term in terms {
		some expression in term.matchExpressions
		expression.key == hostname
		expression.operator == "In"
	}
} else if {
	some annotation in params.annotations
	pod.annotations[annotation] != ""
} else if {
	# All that makes it a GPU workload is selected by a DeviceClass or names one model of device.
	pod.gpu.workload
	every evidence in pod.gpu.evidence {
		selective(evidence)
	}
} else if {
	# Whatever an unresolved claim turns out to be, it selects its devices itself.
	not pod.gpu.workload
	count(pod.spec.resourceClaims) > 0
}

hostname := "kubernetes.io/hostname"

# The tests are those of GPU detection: 2 and 3 are device classes, 5 and above no request.
selective(evidence) if {
	not evidence.test in {1, 4}
} else if {
	globs.any_of(params, "exempt", evidence.value)
} else if {
	"serving.kserve.io/exp-dra-device-class" in evidence.path
}
