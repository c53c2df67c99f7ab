# METADATA
# title: Nothing scrapes the metrics of a GPU service
# description: |-
#   A server that counts its latency and queue depth for nobody is not observed: the autoscaler that
#   queries Prometheus for the queue gets no answer and scales to its minimum or not at all, alerts
#   on objectives never fire, and after an incident there is no data. Metrics are scraped where a
#   PodMonitor selects the pods and names one of their ports, a ServiceMonitor selects a Service in
#   front of them, or the annotation prometheus.io/scrape stands on the pods or their Service (for
#   set-ups of Prometheus that go by it). Monitors of other namespaces count by their
#   namespaceSelector; so do the kinds of VictoriaMetrics, Google and Azure. Where no monitor of the
#   namespace is visible the invariant does not decide. What a scrape configuration of Prometheus
#   itself lists is never visible here: annotate such pods, or waive. Pods that declare no port at
#   all are left to obs-port.
# related_resources:
# - ref: https://prometheus-operator.dev/docs/developer/getting-started/
#   description: PodMonitor and ServiceMonitor
# - ref: https://prometheus-operator.dev/docs/platform/troubleshooting/
#   description: Why a monitor does not select a target
# custom:
#   id: KARB-OBS-002
#   severity: warning
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [pods]
#   context: [monitors]
#   params:
#     annotations:
#       type: array
#       items: {type: string, minLength: 1}
#       description: Annotations of the pods that have them scraped where the value is `true`.
#       default: [prometheus.io/scrape, serving.kserve.io/enable-prometheus-scraping]
#   checks:
#     unscraped: 'no monitor selects the pods of container {container}, and no annotation has them scraped'
#     port: 'none of the ports of the pods of container {container} is named by what selects them: {monitors}'
#   remediation: |-
#     Let a PodMonitor select the pods, by a label of the pod template and the name of a port:
#
#       apiVersion: monitoring.coreos.com/v1
#       kind: PodMonitor
#       metadata:
#         name: llm
#       spec:
#         selector:
#           matchLabels:
#             app.kubernetes.io/name: llm
#         podMetricsEndpoints:
#           - port: http-metrics
#
#     A ServiceMonitor goes by the labels of the Service, and by the names of its ports.
package karb.observability.obs_scrape

import data.karb.lib.metrics
import data.karb.lib.pods

params := input.params["obs-scrape"]

violations contains object.union_n([v, certainty, doubt]) if {
	[pod, certainty] := metrics.services[0]
	with_ports
	not annotated
	not scraped
	[check, monitors, doubt] := verdict
	container := metrics.server(pod)
	v := {
		"check": check,
		"path": array.concat(container.path, ["ports"]),
		"detail": {"container": container.name, "monitors": monitors},
	}
}

# The pods of one object are one service: workers need no monitor of their own.
with_ports if pods.injected("metrics")

with_ports if {
	some pod in input.pods
	some container in pod.containers
	count(container.spec.ports) > 0
}

annotated if {
	some pod in input.pods
	some annotation in params.annotations
	pod.annotations[annotation] == "true"
}

scraped if {
	some entry in input.context.monitors
	entry.scraped == true
}

verdict := ["unscraped", [], {"unknown": "what scrapes the pods of this namespace is not visible here"}] if {
	not input.context.monitors
} else := ["unscraped", [], {"unknown": "labels, ports or Services that are not visible here decide what scrapes these pods"}] if {
	some entry in input.context.monitors
	entry.scraped == null
} else := ["port", selecting, {}] if {
	count(selecting) > 0
} else := ["unscraped", [], {}]

selecting := sort({name | some entry in input.context.monitors; some name in entry.selecting})
