# Which level and version of the Pod Security Standards decide about a pod. `params` are those of
# pss-baseline or pss-restricted: they stand for the cluster's defaults, and with `namespaceLabels`
# the labels of the namespace override them, as upstream's PolicyToEvaluate does.
package karb.lib.pss_policy

# Later than every version there will be: `latest`.
latest := 1000000

# The version to judge by, as its minor number: the major one is always 1.
minor(params) := number if {
	params.namespaceLabels
	number := minor_of(labels[concat("", [label(params), "-version"])])
} else := minor_of(object.get(params, "version", "latest"))

# Upstream's ParseVersion: v1.0, v1.1 ... ; whatever is none of them means `latest`.
minor_of(version) := number if {
	startswith(version, "v1.")
	digits := substring(version, 3, -1)
	trim_left(digits, "0123456789") == ""
	number := to_number(digits)
	format_int(number, 10) == digits # v1.08 is no version
} else := latest

# The label of the mode that decides.
label(params) := concat("", ["pod-security.kubernetes.io/", mode(params)])

mode(params) := object.get(params, "namespaceMode", "enforce")

# `level` is asked of this pod. Without the mode's label the invariants that are enabled decide.
asked(params, _) if not params.namespaceLabels

asked(params, level) if {
	params.namespaceLabels
	level in levels(mode(params), object.get(labels, label(params), "restricted"))
}

labels := input.context.namespace.labels

# Upstream's ParseLevel and PolicyToEvaluate: a level that doesn't exist means restricted, which
# includes baseline; to `audit` and `warn` it means privileged.
levels(_, "baseline") := {"baseline"}

levels(_, "restricted") := {"baseline", "restricted"}

levels(_, "privileged") := set()

levels(mode, level) := includes if {
	not level in {"privileged", "baseline", "restricted"}
	includes := {word | some word in ["baseline", "restricted"]; mode == "enforce"}
}

# The one answer where the labels count and the namespace is not known. An unknown is about the
# invariant as a whole; `check` is there because every answer names one.
undecided(params, check) := {v |
	params.namespaceLabels
	not input.context.namespace
	v := {
		"check": check,
		"path": ["metadata", "namespace"],
		"detail": {},
		"unknown": "the labels of the namespace are not known here, and namespaceLabels lets them decide",
	}
}
