# METADATA
# title: A rolling update of a GPU service needs a spare GPU
# description: |-
#   A rolling update that may take no old pod away before a new one is ready (maxUnavailable comes
#   to 0) starts with one pod more (maxSurge). With GPUs that pod needs free ones: where all are
#   taken and the pool can't grow it stays Pending, no old pod goes, and the update stands still
#   until it is reported as failed ten minutes later. The defaults do just that for up to three
#   replicas: 25 % surge rounds up to one, 25 % unavailable rounds down to none. Where a spare node
#   is kept for rollouts, say so with the parameter `spareGpus`.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
#   description: Rolling update of a Deployment
# custom:
#   id: KARB-AV-006
#   severity: warning
#   since: 0.1.0
#   match: [pods]
#   context: [autoscalers]
#   demanding: true
#   params:
#     spareGpus:
#       type: integer
#       minimum: 0
#       description: Devices that the cluster keeps free for rollouts, or can add within the progress deadline.
#       default: 0
#   checks:
#     surge: 'a rolling update starts a new pod before an old one gives its GPUs back (of replicas: {replicas}, maxSurge {maxSurge} comes to {surge} and maxUnavailable {maxUnavailable} to 0), so it needs free GPUs: {gpus}'
#   remediation: |-
#     Let one pod go first, and reuse its GPU:
#
#       strategy:
#         type: RollingUpdate
#         rollingUpdate:
#           maxSurge: 0
#           maxUnavailable: 1
#
#     With a single replica this is a short outage, as `type: Recreate` is. To update without one,
#     keep a GPU free (a pool that can grow, or low-priority pods that give way) and set `spareGpus`.
package karb.availability.av_rollout

import data.karb.lib.gpu as gpus
import data.karb.lib.serving

params := input.params["av-rollout"]

# Kind to where its rolling update stands in `spec`, and what its fields are where they are not written.
updates := {
	"Deployment": {"below": ["strategy", "rollingUpdate"], "unset": "25%"},
	"Rollout": {"below": ["strategy", "canary"], "unset": "25%"},
}

violations contains object.union(v, certainty) if {
	update := updates[input.workload.kind]
	serving.replicated
	rolling := object.get(input.object.spec, update.below, null)
	is_object(rolling)
	some [index, pod, certainty] in gpus.users
	replicas := serving.least(index, pod)
	replicas > 0
	unavailable := object.get(rolling, "maxUnavailable", update.unset)
	floor(scaled(unavailable, replicas)) == 0
	written := object.get(rolling, "maxSurge", update.unset)
	surge := ceil(scaled(written, replicas))
	surge > 0
	needed := max([1, devices(pod)])
	needed > params.spareGpus
	v := {
		"check": "surge",
		"path": array.concat(array.concat(["spec"], update.below), ["maxUnavailable"]),
		"detail": {
			"replicas": replicas, "maxSurge": written, "surge": surge,
			"maxUnavailable": unavailable, "gpus": needed,
		},
	}
}

# A count, or a percentage of the replicas.
scaled(value, _) := value if is_number(value)

scaled(value, replicas) := (to_number(trim_suffix(value, "%")) * replicas) / 100 if endswith(value, "%")

devices(pod) := sum([container.devices | some container in pod.containers; is_number(container.devices)])
