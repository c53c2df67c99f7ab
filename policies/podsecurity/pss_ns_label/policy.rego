# METADATA
# title: A namespace doesn't say which Pod Security Standard holds in it
# description: |-
#   Pod Security admission is part of every API server, and it does what the labels of the namespace
#   say. Without them it does nothing (unless the cluster's AdmissionConfiguration has defaults): a
#   privileged pod, or one that mounts the node's root, is created without a word.
#   Three labels belong together. `enforce` refuses pods, `warn` tells whoever applies a manifest,
#   `audit` marks the API server's audit log. Only with all three can a stricter level be rolled
#   out without an outage: first audit and warn at the level to come, then, once they are silent,
#   enforce. A namespace that must be open says so with `privileged`, for everybody to see.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/enforce-standards-namespace-labels/
#   description: Enforce Pod Security Standards with namespace labels
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-admission/
#   description: Pod Security admission
# custom:
#   id: KARB-PSS-003
#   severity: warning
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [/Namespace]
#   params:
#     modes:
#       type: array
#       items: {type: string, enum: [enforce, audit, warn]}
#       description: The modes that each namespace must name a level for.
#       default: [enforce, audit, warn]
#     exempt:
#       type: array
#       items: {type: string, format: glob}
#       description: Names of namespaces that are not governed (globs).
#       default: ["kube-*"]
#   checks:
#     missing: 'namespace {namespace} has no label {label}: unless the API server has defaults of its own, Pod Security admission {effect}'
#   remediation: |-
#     Label the namespace. The level that its pods meet today goes to `enforce`, the one that they
#     shall meet to `audit` and `warn`:
#
#       metadata:
#         labels:
#           pod-security.kubernetes.io/enforce: baseline
#           pod-security.kubernetes.io/enforce-version: v1.37
#           pod-security.kubernetes.io/audit: restricted
#           pod-security.kubernetes.io/audit-version: v1.37
#           pod-security.kubernetes.io/warn: restricted
#           pod-security.kubernetes.io/warn-version: v1.37
#
#     `kubectl label --dry-run=server --overwrite ns NAME pod-security.kubernetes.io/enforce=baseline`
#     lists the running pods that the level would refuse.
package karb.podsecurity.pss_ns_label

import data.karb.lib.globs
import data.karb.lib.pss_labels

params := input.params["pss-ns-label"]

name := object.get(input.object, ["metadata", "name"], "")

violations contains v if {
	not globs.any_of(params, "exempt", name)
	some mode in params.modes
	label := pss_labels.key(mode)
	not pss_labels.labels[label] # no label is `false`
	v := {
		"check": "missing",
		"path": pss_labels.path(label),
		"detail": {"namespace": name, "label": label, "effect": effects[mode]},
	}
}

effects := {
	"enforce": "refuses no pod there",
	"audit": "leaves no trace of a pod's violations in the audit log",
	"warn": "tells nobody what their pods violate",
}
