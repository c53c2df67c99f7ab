# METADATA
# title: A pod reaches GPUs that nobody accounts for
# description: |-
#   The scheduler counts devices that are requested. What a pod takes in another way is counted twice:
#   `NVIDIA_VISIBLE_DEVICES=all` makes the container runtime inject every GPU of the node, whether the
#   pod requests one or none, because a pod's own variable wins over the one that the device plugin
#   sets. CDI annotations do the same by name, a hostPath of `/dev/nvidia0` or `/dev/dri` by file, and
#   a privileged container on a GPU node sees all devices. The neighbour that was promised the GPU
#   then meets a full memory and dies at load; quotas and cost reports show nothing.
#   A GPU workload needs none of these: its device plugin or DRA driver injects what was requested,
#   and nothing else. Set to `void` or `none`, the variable is what a sidecar without GPU should have.
#   What the KAI scheduler adds to its pods is respected. Variables that come with the image or with
#   `envFrom` are not visible here.
# related_resources:
# - ref: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html
#   description: Environment variables of the NVIDIA Container Toolkit
# - ref: https://github.com/NVIDIA/k8s-device-plugin
#   description: NVIDIA device plugin
# - ref: https://github.com/cncf-tags/container-device-interface
#   description: Container Device Interface
# custom:
#   id: KARB-GPU-010
#   severity: error
#   identity: value
#   since: 0.1.0
#   paper: III. GPU scheduling and allocation
#   match: [pods]
#   params:
#     namespaces:
#       type: array
#       items: {type: string, format: glob}
#       description: Namespaces of the GPU stack - device plugins, drivers, exporters (globs).
#       default: [kube-system, gpu-operator, nvidia-gpu-operator, nvidia-device-plugin, nvidia-dra-driver-gpu, kube-amd-gpu, habana-system, habana-ai-operator, inteldeviceplugins-system]
#     kinds:
#       type: array
#       items: {type: string, format: glob}
#       description: Kinds that may, as group/Kind (globs); `apps/DaemonSet` stands for the pods of DaemonSets, too.
#       default: []
#     passthrough:
#       type: array
#       items: {type: string, format: glob}
#       description: Runtime classes of virtual machines, to which CDI annotations hand over the devices that the pod requests (globs).
#       default: [kata, kata-*]
#   checks:
#     variable: '{value} gives the container devices that its requests do not account for'
#     annotation: 'annotation {value} injects devices that no request accounts for'
#     device-file: 'a hostPath of {value} reaches devices that no request accounts for'
#     privileged: '{value} on a GPU node and sees all of its devices'
#   remediation: |-
#     Remove it and request the devices; the device plugin injects those, and only those:
#
#       resources:
#         limits:
#           nvidia.com/gpu: 1
#
#     Containers that need no GPU in an image that asks for one set NVIDIA_VISIBLE_DEVICES to
#     `void`. Device plugins and exporters belong in a namespace of the parameter `namespaces`.
package karb.gpu.gpu_bypass

import data.karb.lib.globs

params := input.params["gpu-bypass"]

violations contains object.union(v, doubt(evidence)) if {
	some pod in input.pods
	some evidence in pod.gpu.evidence
	evidence.test in [5, 6]
	not expected(pod, evidence)
	not exempt
	v := {"check": check(evidence), "path": evidence.path, "detail": {"value": evidence.value}}
}

check(evidence) := "annotation" if {
	"annotations" in evidence.path
} else := "variable" if {
	evidence.test == 5
} else := "privileged" if {
	"privileged" in evidence.path
} else := "device-file"

doubt(evidence) := {"unknown": why} if {
	from_elsewhere(evidence)
	why := concat("", [evidence.value, ": the value comes from elsewhere"])
} else := {}

from_elsewhere(evidence) if endswith(evidence.value, "=(valueFrom)")

# The KAI scheduler tells each pod its share through a ConfigMap of its own.
expected(pod, evidence) if {
	from_elsewhere(evidence)
	some annotation in {"gpu-fraction", "gpu-memory"}
	pod.annotations[annotation]
}

# A virtual machine's runtime learns from the annotation which of the requested devices to attach.
expected(pod, evidence) if {
	pod.gpu.workload
	check(evidence) == "annotation"
	globs.any_of(params, "passthrough", pod.spec.runtimeClassName)
}

exempt if globs.any_of(params, "namespaces", input.object.metadata.namespace)

exempt if globs.any_of(params, "kinds", concat("/", [input.workload.group, input.workload.kind]))

exempt if {
	input.workload.role == "system"
	globs.any_of(params, "kinds", "apps/DaemonSet")
}
