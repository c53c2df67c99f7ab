# METADATA
# title: A GPU server has no readiness probe
# description: |-
#   Without a readiness probe a container counts as ready the moment its process starts. A model
#   server then spends minutes loading weights while the Service already sends it every second
#   request, all of which fail, and a rolling update takes the old replicas away in the meantime:
#   the rollout is reported as complete before a single new replica has answered. Autoscalers count
#   the replica as capacity as well. Asked of the containers that hold the GPU; kinds whose operator
#   sets a probe (KServe, Ray, Knative, NIM) are not asked, nor are the workers of a group, whose
#   leader talks to the clients. A bare Pod serves if it restarts always and declares a port or
#   another probe.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
#   description: Configure liveness, readiness and startup probes
# custom:
#   id: KARB-AV-002
#   severity: error
#   since: 0.1.0
#   match: [pods]
#   demanding: true
#   checks:
#     missing: 'container {container} serves with a GPU but has no readinessProbe, so it gets requests while it still loads its model'
#   remediation: |-
#     Probe what answers only once the model is loaded (vLLM, TGI and SGLang: `/health`; Triton:
#     `/v2/health/ready`):
#
#       readinessProbe:
#         httpGet:
#           path: /health
#           port: 8000
#         periodSeconds: 5
#         failureThreshold: 3
#
#     Bound the time that loading may take with a startupProbe, not with a long initial delay.
package karb.availability.av_ready

import data.karb.lib.pods
import data.karb.lib.serving

violations contains object.union_n([v, certainty, pods.doubt(container)]) if {
	not pods.injected("probes")
	some [_, pod, certainty] in serving.gpu_servers
	not serving.worker(pod)
	some container in unready(pod)
	v := {
		"check": "missing",
		"path": array.concat(container.path, ["readinessProbe"]),
		"detail": {"container": container.name},
	}
}

# Each container that holds the GPU. Where any may, one with a probe is enough; the first is named.
unready(pod) := [container | some container in servers; not container.spec.readinessProbe] if {
	servers := serving.servers(pod)
	some container in servers
	serving.holds(container)
} else := array.slice(serving.running(pod), 0, 1) if {
	probed := [container | some container in serving.running(pod); container.spec.readinessProbe]
	count(probed) == 0
}
