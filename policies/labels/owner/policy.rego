# METADATA
# title: A GPU service has no owner
# description: |-
#   When a model server holds eight idle GPUs, breaks its objective at night or needs a patched
#   image by tomorrow, somebody must be asked. Namespaces outlive teams, and commit authors leave.
#   Without an owner on the pods, cost reports end in "other", alerts go to the platform team, and
#   no one dares to delete the workload. Expected on the pod template of every GPU workload that
#   serves, so that alerts and cost exports see it on the pods.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
#   description: Labels and selectors
# custom:
#   id: KARB-SLO-003
#   severity: error
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [pods]
#   params:
#     scope:
#       type: string
#       enum: [gpu, all]
#       description: Which serving workloads need an owner - those that use a GPU, or all.
#       default: gpu
#   checks:
#     missing: 'the pod template names no owner: set label {key}'
#     empty: '{key} is empty: name the team that answers for these pods'
#   remediation: |-
#     Label the pod template (`spec.template.metadata.labels`) with the team that answers for it:
#
#       labels:
#         karb.dev/owner: ml-platform
#
#     Name a team or a rota, not a person, as your on-call and cost tools spell it.
package karb.labels.owner

import data.karb.lib.slo

params := input.params.owner

violations contains object.union(v, doubt) if {
	some [pod, doubt] in slo.owing(params.scope)
	not pod.slo.owner
	wanted := slo.wanted(pod, "owner")
	v := {"check": "missing", "path": wanted.path, "detail": {"key": wanted.key}}
}

violations contains v if {
	some [pod, _] in slo.owing(params.scope)
	trim_space(pod.slo.owner.raw) == ""
	v := {"check": "empty", "path": pod.slo.owner.path, "detail": {"key": pod.slo.owner.key}}
}
