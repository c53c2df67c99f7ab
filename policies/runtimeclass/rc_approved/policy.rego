# METADATA
# title: The RuntimeClass is not an approved one
# description: |-
#   A RuntimeClass decides which program starts the container: how devices are injected, and how
#   strong the isolation is. A name that no node's runtime knows leaves the pod in
#   ContainerCreating ("no runtime for ... is configured"); one that was set up for an experiment
#   or a debugging handler silently gives up the sandbox or the hooks that GPU isolation relies on,
#   and a RuntimeClass can be exempt from Pod Security. Only reviewed names are used.
#   An approved name must exist in the cluster as well: the API server refuses pods that name
#   another ("RuntimeClass not found"), but accepts the Deployment, whose rollout then stands still.
#   This is checked where RuntimeClasses are known; in manifests, classes that operators make
#   (`created`) are taken to exist.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/containers/runtime-class/
#   description: Runtime class
# - ref: https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/cdi.html
#   description: Runtime classes of the NVIDIA GPU Operator
# custom:
#   id: KARB-RC-001
#   severity: error
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [pods]
#   context: [runtimeclasses]
#   identity: value
#   params:
#     approved:
#       type: array
#       items: {type: string, format: glob}
#       description: Approved RuntimeClass names (globs).
#       default: [nvidia, nvidia-cdi, nvidia-legacy, amd, habana, kata, kata-*, gvisor, runsc, runc, crun]
#     created:
#       type: array
#       items: {type: string, format: glob}
#       description: RuntimeClasses that operators create at run time, so that a set of manifests need not hold them (globs).
#       default: [nvidia, nvidia-*, kata-*]
#   checks:
#     missing: 'RuntimeClass {runtimeClass} does not exist in this cluster; there are {existing}'
#     unapproved: 'runtimeClassName {runtimeClass} is not approved; approved are {approved}'
#   remediation: |-
#     Use an approved RuntimeClass, or leave `runtimeClassName` out where the nodes' default runtime
#     injects the devices (CDI):
#
#       spec:
#         runtimeClassName: nvidia
#
#     Once another class has been reviewed, add its name to the parameter `approved`.
package karb.runtimeclass.rc_approved

import data.karb.lib.globs

params := input.params["rc-approved"]

violations contains v if {
	some pod in input.pods
	name := pod.spec.runtimeClassName
	name != ""
	not globs.any_of(params, "approved", name)
	v := {
		"check": "unapproved",
		"path": array.concat(pod.path, ["runtimeClassName"]),
		"detail": {"runtimeClass": name, "approved": params.approved},
	}
}

violations contains v if {
	existing := input.context.runtimeclasses
	some pod in input.pods
	name := pod.spec.runtimeClassName
	name != ""
	not name in existing.names
	globs.any_of(params, "approved", name)
	not created_later(existing, name)
	v := {
		"check": "missing",
		"path": array.concat(pod.path, ["runtimeClassName"]),
		"detail": {"runtimeClass": name, "existing": existing.names},
	}
}

created_later(existing, name) if {
	not existing.complete
	globs.any_of(params, "created", name)
}
