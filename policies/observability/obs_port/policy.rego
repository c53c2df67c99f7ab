# METADATA
# title: A GPU service declares no metrics port
# description: |-
#   Latency, queue depth and cache use of a model server are on its metrics endpoint. Monitors find
#   the endpoint by a declared port (PodMonitor, the pod discovery of Prometheus); a server without
#   one is up and invisible: the autoscaler has no queue to look at, objectives can't be checked,
#   and an incident begins with logs. A port counts that is named so or has the number of a known
#   server's metrics (vLLM, SGLang, TGI, KServe, Triton, TorchServe, TensorFlow Serving, Dynamo), or
#   that the annotation prometheus.io/port names. One port is enough for an object: the workers of a
#   group that serve nothing themselves need none. Ray's operator adds the port by itself.
# related_resources:
# - ref: https://docs.vllm.ai/en/latest/usage/metrics/
#   description: Metrics of vLLM
# - ref: https://prometheus-operator.dev/docs/developer/getting-started/
#   description: PodMonitor and ServiceMonitor
# custom:
#   id: KARB-OBS-001
#   severity: warning
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [pods]
#   demanding: true
#   params:
#     names:
#       type: array
#       items: {type: string, minLength: 1}
#       description: What the names of metrics ports contain.
#       default: [metrics, prom]
#     ports:
#       type: array
#       items: {type: integer, minimum: 1, maximum: 65535}
#       description: Port numbers on which known servers answer for metrics.
#       default: [8000, 8002, 8080, 8082, 8501, 9090, 30000]
#     annotations:
#       type: array
#       items: {type: string, minLength: 1}
#       description: Annotations of the pods that name the port, or have one set.
#       default: [prometheus.io/port, serving.kserve.io/enable-prometheus-scraping]
#   checks:
#     missing: 'container {container} holds a GPU, and the pod declares no metrics port'
#   remediation: |-
#     Declare the port that the server's metrics are on, with a name that says so:
#
#       ports:
#         - name: http-metrics
#           containerPort: 8000
#
#     SGLang needs `--enable-metrics`, Triton has its own port 8002.
package karb.observability.obs_port

import data.karb.lib.metrics
import data.karb.lib.pods

params := input.params["obs-port"]

violations contains object.union(v, doubt) if {
	not pods.injected("metrics")
	[pod, certainty] := metrics.services[0]
	not declared
	container := metrics.server(pod)
	doubt := object.union(certainty, pods.pod_doubt(pod))
	v := {
		"check": "missing",
		"path": array.concat(container.path, ["ports"]),
		"detail": {"container": container.name},
	}
}

declared if {
	some pod in input.pods
	some annotation in params.annotations
	value := pod.annotations[annotation]
	not value in ["", "false"]
} else if {
	some pod in input.pods
	some container in pod.containers
	some port in container.spec.ports
	counts(port)
}

counts(port) if {
	some text in params.names
	contains(port.name, text)
} else if {
	port.containerPort in params.ports
}
