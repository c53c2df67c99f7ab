# METADATA
# title: A service scales to zero although its objective doesn't allow the cold start
# description: |-
#   At zero replicas the first request waits for a node, an image and a model: minutes, with GPUs. A
#   critical service can't afford that, and no service can whose cold-start budget is below the time
#   that its model takes to load: then every wake-up breaks the objective by design. It shows in no
#   test, since under test there is always traffic. Zero is what an autoscaler's minimum says, of a
#   ScaledObject also by default and by `idleReplicaCount`, of a Knative revision by default.
# related_resources:
# - ref: https://keda.sh/docs/latest/reference/scaledobject-spec/
#   description: KEDA, ScaledObject specification
# - ref: https://knative.dev/docs/serving/autoscaling/scale-bounds/
#   description: Knative, scale bounds
# custom:
#   id: KARB-AV-008
#   severity: warning
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [pods]
#   context: [autoscalers]
#   params:
#     criticalTiers:
#       type: array
#       items: {type: string, minLength: 1}
#       description: Tiers that keep at least one replica warm.
#       default: [critical]
#   checks:
#     tier: 'tier {tier} must stay warm, but {autoscaler} scales it to zero'
#     budget: '{autoscaler} scales to zero, but the model takes {modelLoad} to load and the cold-start budget is {coldStart}'
#   remediation: |-
#     Keep one replica warm. In a ScaledObject:
#
#       spec:
#         minReplicaCount: 1
#
#     on a Knative revision `autoscaling.knative.dev/min-scale: "1"`, on a KServe component
#     `minReplicas: 1`. Where that costs too much, say so: lower the tier, or state a cold-start
#     budget that covers the load.
package karb.availability.av_warm

import data.karb.lib.serving

params := input.params["av-warm"]

violations contains object.union_n([problem, certainty, zero]) if {
	input.workload.role == "serving"
	serving.replicated
	some [index, pod, certainty] in serving.gpu_servers
	some problem in strict(pod)
	some zero in zeros(index, problem)
}

strict(pod) := {problem |
	pod.slo.tier.value in params.criticalTiers
	problem := {"check": "tier", "path": pod.slo.tier.path, "detail": {"tier": pod.slo.tier.value}}
} | {problem |
	pod.slo["cold-start"].value < pod.slo["model-load"].value
	problem := {
		"check": "budget",
		"path": pod.slo["cold-start"].path,
		"detail": {"coldStart": pod.slo["cold-start"].raw, "modelLoad": pod.slo["model-load"].raw},
	}
}

zeros(index, problem) := {found |
	some scaler in serving.autoscalers(index)
	0 in {scaler.min, scaler.idle}
	named := {"autoscaler": concat(" ", [scaler.kind, scaler.name])}
	found := {"detail": object.union(problem.detail, named)}
} if {
	input.context.autoscalers
} else := {{"unknown": "what scales this workload is not known here"}}
