# METADATA
# title: A model server is killed before its requests are done
# description: |-
#   When a pod is deleted (drain, rollout, scale-down) its containers get SIGTERM and, after
#   terminationGracePeriodSeconds, SIGKILL. A generation that streams tokens runs for many seconds,
#   and each one that is cut off was paid for and is asked again by the client. The period counts
#   from the deletion and includes the preStop hook: a hook that sleeps until the endpoints have
#   forgotten the pod takes its seconds away from the drain, and one that sleeps longer than the
#   period leaves none. So the period is at least the parameter `drainSeconds` and the p95 latency
#   that the pod template states, and after the hook's sleep the p95 latency still fits.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
#   description: Termination of pods
# - ref: https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/
#   description: Container lifecycle hooks
# custom:
#   id: KARB-AV-004
#   severity: warning
#   since: 0.1.0
#   match: [pods]
#   params:
#     drainSeconds:
#       type: integer
#       minimum: 0
#       description: Seconds that a server needs to finish what it has accepted; set it to your longest generation.
#       default: 30
#   checks:
#     short: 'terminationGracePeriodSeconds is {grace}, but finishing accepted requests takes {needed} s ({reason})'
#     hook: 'the preStop hook of container {container} sleeps {sleep} s of the {grace} s of terminationGracePeriodSeconds, which leaves less than {needed} s to finish requests'
#   remediation: |-
#     Give the pod the time of its longest generation plus that of the preStop hook:
#
#       terminationGracePeriodSeconds: 120
#       containers:
#       - name: server
#         lifecycle:
#           preStop:
#             sleep:
#               seconds: 15
#
#     The period is an upper bound: a server that is done earlier ends earlier.
package karb.availability.av_grace

import data.karb.lib.pods
import data.karb.lib.serving

params := input.params["av-grace"]

# What the API server fills in.
default_seconds := 30

violations contains object.union_n([v, certainty, doubt(pod)]) if {
	some [_, pod, certainty] in serving.gpu_servers
	need := needed(pod)
	grace(pod) < need.seconds
	v := {
		"check": "short",
		"path": array.concat(pod.path, ["terminationGracePeriodSeconds"]),
		"detail": {"grace": grace(pod), "needed": need.seconds, "reason": need.reason},
	}
}

violations contains object.union_n([v, certainty, doubt(pod)]) if {
	some [_, pod, certainty] in serving.gpu_servers
	some container in pod.containers
	container.stopSleep > 0
	rest := max([1, latency(pod)])
	grace(pod) - container.stopSleep < rest
	v := {
		"check": "hook",
		"path": array.concat(container.path, ["lifecycle", "preStop"]),
		"detail": {"container": container.name, "sleep": container.stopSleep, "grace": grace(pod), "needed": rest},
	}
}

grace(pod) := object.get(pod.spec, "terminationGracePeriodSeconds", default_seconds)

# Seconds; 0 where the pod template states no latency.
latency(pod) := pod.slo["p95-latency"].value / 1000 if {
	is_number(pod.slo["p95-latency"].value)
} else := 0

needed(pod) := {"seconds": latency(pod), "reason": concat(" ", [fact.key, fact.raw])} if {
	latency(pod) > params.drainSeconds
	fact := pod.slo["p95-latency"]
} else := {"seconds": params.drainSeconds, "reason": "parameter drainSeconds"}

# Who completes the pod may set the period too, unless its author did.
doubt(pod) := pods.pod_doubt(pod) if {
	grace(pod) == default_seconds
} else := {}
