# METADATA
# title: An autoscaler counts replicas of a LeaderWorkerSet, which are groups
# description: |-
#   A replica of a LeaderWorkerSet is a group of `size` pods, each with its GPUs. A maximum that was
#   meant as pods asks for `size` times as many, and a target that was meant for one pod is met by a
#   whole group. What an HPA measures are the leaders only. The message says what the maximum comes
#   to; confirm it by a waiver, or lower it.
# related_resources:
# - ref: https://lws.sigs.k8s.io/docs/concepts/
#   description: LeaderWorkerSet, concepts
# custom:
#   id: KARB-AS-015
#   severity: info
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - autoscaling/HorizontalPodAutoscaler
#   - keda.sh/ScaledObject
#   context: [scaletarget]
#   checks:
#     groups: 'a replica of {target} is a group of {size} pods: the maximum of {max} is {pods} pods'
#   remediation: |-
#     Count groups, not pods:
#
#       spec:
#         maxReplicas: 2      # groups of 4 pods = 8 pods
package karb.autoscaling.as_groups

import data.karb.lib.scaling

violations contains {"check": "groups", "path": ["spec", field], "detail": {"target": scaling.called, "size": size, "max": input.autoscaler.max, "pods": size * input.autoscaler.max}} if {
	scaling.target.kind == "LeaderWorkerSet"
	size := sum([pod.scale.size | some pod in scaling.target.pods])
	size > 1
	is_number(input.autoscaler.max)
}

violations contains {"check": "groups", "path": ["spec", field], "detail": {"target": "it", "size": 0, "max": 0, "pods": 0}, "unknown": "the size of its groups is not visible here"} if {
	input.autoscaler.target.kind == "LeaderWorkerSet"
	not scaling.target.found
}

field := "maxReplicas" if {
	input.autoscaler.kind == "HorizontalPodAutoscaler"
} else := "maxReplicaCount"
