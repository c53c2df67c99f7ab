# METADATA
# title: Several replicas share a volume that one node may mount
# description: |-
#   A claim with access mode ReadWriteOnce is mounted by one node at a time (ReadWriteOncePod: by one
#   pod). The first replica runs; each that lands on another node waits in ContainerCreating with
#   "Multi-Attach error for volume", holding its GPU all the while, so that a scale-out in a burst
#   costs GPUs and serves nothing. On one node it works by luck, until that node is drained.
#   Counted are the replicas of the object and the maximum of its autoscaler. A StatefulSet's
#   volumeClaimTemplates and generic ephemeral volumes are per pod. Where the claim is not visible,
#   the invariant does not decide.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes
#   description: Access modes
# - ref: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#stable-storage
#   description: A claim for each pod of a StatefulSet
# custom:
#   id: KARB-ST-005
#   severity: warning
#   since: 0.1.0
#   match: [pods]
#   context: [autoscalers, volumeclaims]
#   checks:
#     shared: 'up to {pods} pods share volume {volume}, but claim {claim} is {modes}: {holder} may mount it'
#   remediation: |-
#     Models that many pods read belong on a claim that many may mount (a shared file system, or a
#     disk that was filled once and is then only read):
#
#       apiVersion: v1
#       kind: PersistentVolumeClaim
#       metadata:
#         name: llm-models
#       spec:
#         accessModes: [ReadOnlyMany] # or ReadWriteMany
#
#     What each replica writes for itself belongs on a claim of its own: an `ephemeral` volume, or
#     volumeClaimTemplates of a StatefulSet.
package karb.storage.st_pvc_mode

import data.karb.lib.serving

violations contains object.union_n([v, more, verdict.doubt]) if {
	some index, pod in input.pods
	some i, volume in pod.spec.volumes
	claim := volume.persistentVolumeClaim.claimName
	[pods, more] := many(index, pod)
	verdict := judged(claim)
	v := {
		"check": "shared",
		"path": array.concat(pod.path, ["volumes", i, "persistentVolumeClaim", "claimName"]),
		"detail": {
			"volume": object.get(volume, "name", ""),
			"claim": claim,
			"pods": pods,
			"modes": verdict.modes,
			"holder": verdict.holder,
		},
	}
}

# How many pods of a template there may be, and what that is not certain for; defined where they
# are, or may be, several. What an object of a known kind made is judged there.
many(index, pod) := [pods, {}] if {
	not input.workload.controlled
	input.workload.role != "runtime"
	pods := serving.most(index, pod) * object.get(pod, ["scale", "size"], 1)
	pods > 1
} else := [1, {"unknown": "whether an autoscaler adds replicas is not visible here"}] if {
	serving.replicated
	not input.context.autoscalers
	pod.scale
	pod.gpu.workload
}

judged(claim) := {"modes": modes, "holder": holder, "doubt": {}} if {
	modes := input.context.volumeclaims[claim].accessModes
	holder := holders[max([access | some mode in modes; access := width(mode)])]
} else := {"modes": [], "holder": "", "doubt": {"unknown": why}} if {
	not input.context.volumeclaims[claim]
	why := concat(" ", ["the access modes of claim", claim, "are not visible here"])
}

# How many may mount it by one of its modes: the widest counts, and those of many nodes are fine.
width("ReadWriteOncePod") := 1

width("ReadWriteOnce") := 2

width(mode) := 3 if not mode in {"ReadWriteOnce", "ReadWriteOncePod"}

holders := {1: "one pod", 2: "one node"}
