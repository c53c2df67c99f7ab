# METADATA
# title: A GPU service states no objective
# description: |-
#   Nobody can say whether a model server is too slow, or how many warm replicas it needs, if it
#   never said what is fast enough. Autoscaling targets, alerts and rollouts read the objective
#   from the pods; without one they fall back to CPU utilisation, which stays low while the GPU's
#   queue grows, and the page comes from the customers. The tier says who gives way when GPUs run
#   out. These keys are expected on the pod template of every GPU workload that serves: p95
#   latency, error rate, cold-start budget and tier. Batch jobs and runtime templates owe none. A
#   RayCluster owes them where it shows that it serves: Ray Serve's port 8000, a readiness probe of its
#   own that asks over HTTP, or a first objective.
# related_resources:
# - ref: https://sre.google/sre-book/service-level-objectives/
#   description: Service level objectives
# custom:
#   id: KARB-SLO-001
#   severity: error
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [pods]
#   params:
#     scope:
#       type: string
#       enum: [gpu, all]
#       description: Which serving workloads owe objectives - those that use a GPU, or all.
#       default: gpu
#   checks:
#     missing: 'the pod template states no {objective}: set {form} {key}'
#   remediation: |-
#     Put the objectives on the pod template (`spec.template.metadata`), where the pods carry them:
#
#       labels:
#         karb.dev/tier: critical
#       annotations:
#         karb.dev/slo-p95-latency: 250ms
#         karb.dev/slo-error-rate: 0.1%
#         karb.dev/slo-cold-start: 180s
#
#     Start from what was measured last month; an honest number is better than an ambitious one.
package karb.labels.slo_required

import data.karb.lib.slo

violations contains object.union(v, doubt) if {
	some [pod, doubt] in slo.owing(input.params["slo-required"].scope)
	some name in ["p95-latency", "error-rate", "cold-start", "tier"]
	not pod.slo[name]
	wanted := slo.wanted(pod, name)
	v := {
		"check": "missing",
		"path": wanted.path,
		"detail": {"objective": name, "form": trim_suffix(slo.section(name), "s"), "key": wanted.key},
	}
}
