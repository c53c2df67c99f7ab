# METADATA
# title: Probes kill a model server before it has loaded
# description: |-
#   The kubelet restarts a container whose startup probe has failed failureThreshold times in a row,
#   and, where there is no startup probe, one whose liveness probe has. A server that needs longer
#   than that to load its model is killed while it loads, starts from nothing, and is killed again:
#   a crash loop that holds a GPU and never serves, and that shows up on the day the model grows,
#   the disk is slow or the cache is cold. So the time allowed (initialDelaySeconds plus
#   failureThreshold times periodSeconds) covers the cold-start budget, and the load time, that the
#   pod template states. Where it states neither, a liveness probe without a startup probe is
#   held against the parameter `loadSeconds`. So is progressDeadlineSeconds (600 where it is not
#   written): a rollout whose next pod is not ready by then is reported as failed. `kubectl rollout
#   status` and pipelines give up, and Argo Rollouts may abort, while the model is still loading.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/workloads/pods/probes/
#   description: Liveness, readiness and startup probes
# - ref: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#progress-deadline-seconds
#   description: Progress deadline of a Deployment
# custom:
#   id: KARB-AV-003
#   severity: warning
#   since: 0.1.0
#   match: [pods]
#   params:
#     loadSeconds:
#       type: integer
#       minimum: 0
#       description: Seconds that a model takes to load, for pods that state neither a cold-start budget nor a load time; 0 asks nothing of them.
#       default: 60
#   checks:
#     startup: 'container {container}: the startupProbe allows {allowed} s, but the pod may take {needed} s to start ({reason})'
#     liveness: 'container {container}: without a startupProbe the livenessProbe restarts it after {allowed} s, but the pod may take {needed} s to start ({reason})'
#     deadline: 'a rollout is reported as failed after {allowed} s without progress (progressDeadlineSeconds), but a pod may take {needed} s to start ({reason})'
#   remediation: |-
#     Add a startup probe whose budget covers the slowest start, here 60 x 10 s:
#
#       startupProbe:
#         httpGet:
#           path: /health
#           port: 8000
#         periodSeconds: 10
#         failureThreshold: 60
#
#     The liveness probe waits until it has succeeded, so it can stay strict. A generous budget costs
#     nothing: a start that is faster ends the waiting at once. Raise progressDeadlineSeconds along
#     with it; it counts anew with each pod that becomes ready.
package karb.availability.av_startup

import data.karb.lib.pods
import data.karb.lib.serving

params := input.params["av-startup"]

violations contains object.union(v, certainty) if {
	some [pod, certainty, need] in starts
	need.stated
	some container in serving.servers(pod)
	allowed := budget(container.spec.startupProbe)
	allowed < need.seconds
	v := found("startup", container, allowed, need)
}

violations contains object.union_n([v, certainty, doubt(container)]) if {
	some [pod, certainty, need] in starts
	some container in serving.servers(pod)
	not container.spec.startupProbe
	allowed := budget(container.spec.livenessProbe)
	allowed < need.seconds
	v := found("liveness", container, allowed, need)
}

# Progress is a new pod, or one more that is ready: the deadline has to cover one start.
# k8s.io/kubernetes pkg/controller/deployment/progress.go; argo-rollouts utils/defaults (600 too).
violations contains object.union(v, certainty) if {
	input.workload.kind in ["Deployment", "Rollout"]
	some [_, certainty, need] in starts
	spec := input.object.spec
	not spec.paused
	allowed := object.get(spec, "progressDeadlineSeconds", 600)
	allowed < need.seconds
	v := {
		"check": "deadline",
		"path": ["spec", "progressDeadlineSeconds"],
		"detail": {"allowed": allowed, "needed": need.seconds, "reason": need.reason},
	}
}

# Worked out once: pods, what is uncertain about them, and how long they take to start.
starts := [[pod, certainty, needed(pod)] | some [_, pod, certainty] in serving.gpu_servers]

found(check, container, allowed, need) := {
	"check": check,
	"path": array.concat(container.path, [concat("", [check, "Probe"])]),
	"detail": {"container": container.name, "allowed": allowed, "needed": need.seconds, "reason": need.reason},
}

budget(probe) := run(probe) + probe.initialDelaySeconds if {
	probe.initialDelaySeconds
} else := run(probe)

run(probe) := object.get(probe, "failureThreshold", 3) * object.get(probe, "periodSeconds", 10)

# The longest of what the pod template states, in seconds; where it states nothing, the parameter.
needed(pod) := {"seconds": most / 1000, "reason": reason, "stated": true} if {
	facts := [fact | some name in ["cold-start", "model-load"]; fact := pod.slo[name]; is_number(fact.value)]
	most := max([fact.value | some fact in facts])
	reason := [concat(" ", [fact.key, fact.raw]) | some fact in facts; fact.value == most][0]
} else := {"seconds": params.loadSeconds, "reason": "parameter loadSeconds", "stated": false}

# Somebody else may add the startup probe.
doubt(container) := {"unknown": "the operator of this kind sets probes, perhaps a startup probe too"} if {
	pods.injected("probes")
} else := pods.doubt(container)
