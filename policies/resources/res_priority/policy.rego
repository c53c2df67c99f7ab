# METADATA
# title: A GPU workload has no approved priority
# description: |-
#   GPUs are what a cluster runs out of. When it does, the scheduler can only make room for a service
#   that matters by its priority: without a `priorityClassName` every workload weighs the same (0),
#   so a notebook that came first keeps the device and the replica that the autoscaler added for a
#   burst stays Pending. Under node pressure the kubelet looks at the priority as well when it chooses
#   whom to evict. Which classes are meant for GPU workloads is yours to say (`approved`); while the
#   list is empty, any class counts. A cluster's default class (`globalDefault`) is seen on Pods, not
#   on the templates they come from.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
#   description: Pod priority and preemption
# custom:
#   id: KARB-RES-007
#   severity: warning
#   since: 0.1.0
#   match: [pods]
#   demanding: true
#   identity: value
#   params:
#     approved:
#       type: array
#       items: {type: string, format: glob}
#       description: PriorityClasses for GPU workloads (globs); empty means any.
#       default: []
#   checks:
#     missing: 'this GPU workload ({resources}) names no PriorityClass, so it weighs no more than any other pod that names none'
#     unapproved: 'priorityClassName {priorityClass} is not for GPU workloads; approved are {approved}'
#   remediation: |-
#     Name a PriorityClass of your cluster, one for each tier:
#
#       spec:
#         priorityClassName: gpu-serving
#
#     A class is one object: `kind: PriorityClass`, a `value`, and `preemptionPolicy: Never` for
#     those that may wait but not displace others.
package karb.resources.res_priority

import data.karb.lib.globs
import data.karb.lib.gpu
import data.karb.lib.pods

params := input.params["res-priority"]

violations contains object.union_n([v, certainty, pods.pod_doubt(pod)]) if {
	some [_, pod, certainty] in gpu.users
	not named(pod)
	not template_of_others
	v := {
		"check": "missing",
		"path": array.concat(pod.path, ["priorityClassName"]),
		"detail": {"resources": pod.gpu.resources},
	}
}

violations contains object.union(v, certainty) if {
	count(params.approved) > 0
	some [_, pod, certainty] in gpu.users
	name := pod.spec.priorityClassName
	name != ""
	not globs.any_of(params, "approved", name)
	v := {
		"check": "unapproved",
		"path": array.concat(pod.path, ["priorityClassName"]),
		"detail": {"priorityClass": name, "approved": params.approved},
	}
}

named(pod) if pod.spec.priorityClassName != ""

# A runtime's template is completed by the objects that use it; some have no such field.
template_of_others if input.workload.role == "runtime"
