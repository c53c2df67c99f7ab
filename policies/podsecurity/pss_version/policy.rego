# METADATA
# title: A Pod Security label has no pinned version, or a value that doesn't exist
# description: |-
#   Each Kubernetes release may tighten the Pod Security Standards. A level without a version means
#   `latest`, that of the API server: after an upgrade of the control plane pods are refused that
#   ran the day before, and what shows it is a Deployment that can't replace a failed replica. A
#   pinned version moves when somebody decides so, as code.
#   The API server refuses a new label whose value doesn't exist. One that is there already (stored
#   before an upgrade, or while the admission plugin was off) is read by other rules than most
#   people expect: an unknown `enforce` level means restricted, an unknown `audit` or `warn` level
#   means privileged (nothing is said any more), an unknown version means latest.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-admission/#pod-security-admission-labels-for-namespaces
#   description: Pod Security admission labels for namespaces
# - ref: https://kubernetes.io/docs/setup/best-practices/enforcing-pod-security-standards/
#   description: Enforcing Pod Security Standards
# custom:
#   id: KARB-PSS-004
#   severity: warning
#   since: 0.1.0
#   match: [/Namespace]
#   params:
#     exempt:
#       type: array
#       items: {type: string, format: glob}
#       description: Names of namespaces that are not governed (globs).
#       default: ["kube-*"]
#   checks:
#     unpinned: 'label {label}: "{level}" has no pinned version ({versionLabel} is {version}), so an upgrade of the API server changes what it means'
#     level: 'label {label}: "{level}" is no level (privileged, baseline, restricted); the API server reads it as {read}'
#     version: 'label {versionLabel}: "{version}" is no version (latest, v1.0, v1.1 ...); the API server reads it as latest'
#   remediation: |-
#     Pin each level to the version that the namespace's pods were tried with, and move it after an
#     upgrade, `warn` and `audit` first:
#
#       metadata:
#         labels:
#           pod-security.kubernetes.io/enforce: baseline
#           pod-security.kubernetes.io/enforce-version: v1.37
package karb.podsecurity.pss_version

import data.karb.lib.globs
import data.karb.lib.pss_labels

params := input.params["pss-version"]

governed if not globs.any_of(params, "exempt", object.get(input.object, ["metadata", "name"], ""))

# An unknown version is one finding, not two.
violations contains v if {
	governed
	some mode in pss_labels.modes
	level := pss_labels.labels[pss_labels.key(mode)]
	level != "privileged" # the same in every version
	written := object.get(pss_labels.labels, pss_labels.version_key(mode), "latest")
	written == "latest"
	detail := {"version": shown(mode), "label": pss_labels.key(mode)}
	v := {
		"check": "unpinned",
		"path": pss_labels.path(pss_labels.version_key(mode)),
		"detail": object.union(detail, {"level": level, "versionLabel": pss_labels.version_key(mode)}),
	}
}

violations contains v if {
	governed
	some mode in pss_labels.modes
	level := pss_labels.labels[pss_labels.key(mode)]
	not level in pss_labels.levels
	v := {
		"check": "level",
		"path": pss_labels.path(pss_labels.key(mode)),
		"detail": {"label": pss_labels.key(mode), "level": level, "read": readings[mode]},
	}
}

violations contains v if {
	governed
	some mode in pss_labels.modes
	label := pss_labels.version_key(mode)
	version := pss_labels.labels[label]
	version != "latest"
	not pss_labels.pinned(version)
	v := {
		"check": "version",
		"path": pss_labels.path(label),
		"detail": {"versionLabel": label, "version": version},
	}
}

shown(mode) := `"latest"` if {
	pss_labels.labels[pss_labels.version_key(mode)]
} else := "not set"

readings := {
	"enforce": "restricted, and refuses pods by it",
	"audit": "privileged, and notes nothing in the audit log",
	"warn": "privileged, and warns nobody",
}
