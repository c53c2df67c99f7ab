# METADATA
# title: A namespace or claim has admin access to devices
# description: |-
#   A ResourceClaim with `adminAccess` gets devices that are in use by others, and drivers may give it
#   more rights on them than any workload has: it is made for health checks and metrics. The scheduler
#   does not count such a claim, so it never waits. Kubernetes allows it only in namespaces with the
#   label `resource.kubernetes.io/admin-access: "true"` (`resource.k8s.io/admin-access` in 1.33).
#   Whoever may create claims or pods in such a namespace may watch, disturb or starve every GPU of
#   the cluster, so the label belongs to the namespaces of the GPU stack alone.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#admin-access
#   description: Dynamic Resource Allocation, admin access
# - ref: https://kubernetes.io/docs/concepts/security/hardening-guide/dynamic-resource-allocation/
#   description: Hardening guide for Dynamic Resource Allocation
# custom:
#   id: KARB-GPU-012
#   severity: warning
#   since: 0.1.0
#   match: [/Namespace, resource.k8s.io/ResourceClaim, resource.k8s.io/ResourceClaimTemplate]
#   params:
#     namespaces:
#       type: array
#       items: {type: string, format: glob}
#       description: Namespaces of the GPU stack, which may have admin access (globs).
#       default: [kube-system, gpu-operator, nvidia-gpu-operator, nvidia-dra-driver-gpu, kube-amd-gpu]
#   checks:
#     label: 'namespace {namespace} is labelled {label}, so every claim in it may ask for admin access to devices'
#     claim: 'request {request} asks for admin access to devices of class {deviceClass} in namespace {namespace}'
#   remediation: |-
#     Remove the label from namespaces of workloads:
#
#       kubectl label namespace <name> resource.kubernetes.io/admin-access-
#
#     and `adminAccess` from the requests of their claims. A monitoring stack that needs it gets a
#     namespace of its own, which goes into the parameter `namespaces`.
package karb.gpu.dra_admin

import data.karb.lib.globs

params := input.params["dra-admin"]

labels := {"resource.kubernetes.io/admin-access", "resource.k8s.io/admin-access"}

violations contains v if {
	input.object.kind == "Namespace"
	some label in labels
	input.object.metadata.labels[label] == "true"
	name := object.get(input.object, ["metadata", "name"], "")
	not globs.any_of(params, "namespaces", name)
	v := {
		"check": "label",
		"path": ["metadata", "labels", label],
		"detail": {"namespace": name, "label": label},
	}
}

violations contains object.union(v, doubt) if {
	some base in [["spec", "devices", "requests"], ["spec", "spec", "devices", "requests"]]
	some index, request in object.get(input.object, base, [])
	some [part, steps] in parts(request)
	part.adminAccess == true
	not globs.any_of(params, "namespaces", namespace)
	v := {
		"check": "claim",
		"path": array.concat(array.concat(base, [index]), array.concat(steps, ["adminAccess"])),
		"detail": {
			"request": text(request, "name"), "namespace": namespace,
			"deviceClass": text(part, "deviceClassName"),
		},
	}
}

# The field types of claims are not known here, and a message shows text.
text(value, key) := value[key] if {
	is_string(value[key])
} else := ""

# `exactly` of v1; in v1beta1 the request itself.
parts(request) := [[request, []], [object.get(request, "exactly", {}), ["exactly"]]]

namespace := object.get(input.object, ["metadata", "namespace"], "")

doubt := {"unknown": "the manifest names no namespace, so the parameter `namespaces` can't decide"} if {
	namespace == ""
} else := {}
