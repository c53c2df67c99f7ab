# METADATA
# title: A GPU workload names no RuntimeClass
# description: |-
#   Where GPUs are injected by a runtime of their own (`nvidia`) or pods run in a sandbox, a pod
#   without `runtimeClassName` starts under the node's default runtime: the device plugin has
#   reserved a GPU, but the container finds no driver ("no CUDA-capable device is detected"), or it
#   runs without the sandbox that multi-tenant nodes rely on. Set-ups with CDI, NRI or CRI-O need
#   no RuntimeClass, which is why this invariant is only checked on request.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/containers/runtime-class/
#   description: Runtime class
# - ref: https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/cdi.html
#   description: Container Device Interface in the NVIDIA GPU Operator
# custom:
#   id: KARB-RC-002
#   severity: error
#   since: 0.1.0
#   match: [pods]
#   optIn: true
#   demanding: true
#   params:
#     vendors:
#       type: array
#       items: {type: string}
#       description: Only workloads with accelerators of these vendors; empty means all.
#       default: []
#   checks:
#     missing: 'this GPU workload ({resources}) names no RuntimeClass, so it starts under the default runtime of its node'
#   remediation: |-
#     Name the RuntimeClass of your GPU nodes:
#
#       spec:
#         runtimeClassName: nvidia
package karb.runtimeclass.rc_required

import data.karb.lib.gpu
import data.karb.lib.pods

params := input.params["rc-required"]

violations contains object.union_n([v, certainty, pods.pod_doubt(pod)]) if {
	some [_, pod, certainty] in gpu.users
	not named(pod)
	asked(pod)
	v := {
		"check": "missing",
		"path": array.concat(pod.path, ["runtimeClassName"]),
		"detail": {"resources": pod.gpu.resources},
	}
}

named(pod) if pod.spec.runtimeClassName != ""

asked(_) if count(params.vendors) == 0

asked(pod) if {
	some vendor in pod.gpu.vendors
	vendor in params.vendors
}
