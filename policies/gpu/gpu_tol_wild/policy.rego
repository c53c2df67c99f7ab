# METADATA
# title: A toleration without a key tolerates every taint
# description: |-
#   `operator: Exists` without a key matches all taints: the GPU pool's, but also those that keep
#   pods off nodes which are draining, unreachable, out of disk or memory, or reserved for someone
#   else. Such a pod is scheduled onto the node that is being repaired, is never evicted from one
#   that is lost, and fills GPU nodes with CPU work. An `effect` narrows it to the taints of that
#   effect, which still includes every GPU taint of that effect. It is meant for DaemonSets that
#   must run everywhere; those are exempt.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
#   description: Taints and tolerations
# custom:
#   id: KARB-GPU-002
#   severity: error
#   since: 0.1.0
#   paper: III. GPU scheduling and allocation
#   match: [pods]
#   params:
#     namespaces:
#       type: array
#       items: {type: string, format: glob}
#       description: Namespaces whose pods may tolerate everything (globs).
#       default: [kube-system]
#     kinds:
#       type: array
#       items: {type: string, format: glob}
#       description: Kinds that may, as group/Kind (globs; `/Pod` for the core group).
#       default: []
#   checks:
#     wild: 'a toleration with operator Exists and no key tolerates every taint with {effect}, those of all GPU pools included'
#   remediation: |-
#     Name the taints that the pod has to tolerate:
#
#       tolerations:
#       - key: nvidia.com/gpu
#         operator: Exists
#         effect: NoSchedule
package karb.gpu.gpu_tol_wild

import data.karb.lib.allow

params := input.params["gpu-tol-wild"]

violations contains v if {
	some toleration in input.pods[_].tolerations
	toleration.wild
	not allow.exempt(params)
	v := {"check": "wild", "path": toleration.path, "detail": {"effect": effect(toleration)}}
}

effect(toleration) := "any effect" if {
	toleration.effect == ""
} else := concat(" ", ["effect", toleration.effect])
