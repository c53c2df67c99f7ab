# METADATA
# title: A workload sets its replicas although an autoscaler does
# description: |-
#   `kubectl apply` and GitOps write the number back at each sync, and the autoscaler corrects it a
#   moment later: a burst of model loads on each deployment, at the worst time a fall from forty
#   replicas to two. Only manifests are looked at: in a cluster the field is what the autoscaler
#   wrote.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
#   description: Horizontal Pod Autoscaling
# custom:
#   id: KARB-AS-003
#   severity: warning
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - autoscaling/HorizontalPodAutoscaler
#   - keda.sh/ScaledObject
#   context: [scaletarget]
#   demanding: true
#   checks:
#     set: '{target} sets replicas: {replicas} itself; each apply takes the autoscaler''s number away'
#   remediation: |-
#     Remove `spec.replicas` from the target's manifest. On an existing Deployment, hand the field over
#     first, or the apply that removes it scales to 1:
#
#       kubectl apply edit-last-applied deployment/llm   # delete spec.replicas there
package karb.autoscaling.as_replicas

import data.karb.lib.scaling

violations contains {"check": "set", "path": ["spec", "scaleTargetRef"], "detail": {"target": scaling.called, "replicas": scaling.target.replicas}} if {
	is_number(scaling.target.replicas)
	not scaling.target.live
	not scaling.target.asleep # which as-target reports
}

violations contains {"check": "set", "path": ["spec", "scaleTargetRef"], "detail": {"target": "it", "replicas": 0}, "unknown": "what this autoscaler scales is not visible here"} if {
	not scaling.target.found
}
