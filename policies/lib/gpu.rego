# Who uses a GPU, and how GPU fields are named in messages and paths.
package karb.lib.gpu

import data.karb.lib.pods

# Defined for pods that request a GPU or may do so: `{}`, or `{"unknown": why}`.
user(pod) := {} if {
	pod.gpu.workload
} else := unsure(pod)

# The pods that `user` is defined for, each with its index and what `user` says. A rule: it is worked
# out once for all invariants.
users := [[index, pod, certainty] | some index, pod in input.pods; certainty := user(pod)]

# Defined for pods that request no GPU, as far as can be told: `{}`, or `{"unknown": why}`.
bystander(pod) := doubt if {
	not pod.gpu.workload
	doubt := object.union(pods.pod_doubt(pod), unresolved(pod))
}

# Only what could still turn out to be a GPU workload.
unsure(pod) := doubt if {
	doubt := bystander(pod)
	doubt.unknown
}

unresolved(pod) := {"unknown": pod.gpu.unknown} if {
	is_string(pod.gpu.unknown)
} else := {}

# The path of the quantity in `section` ("limits" or "requests"), given that of its sibling.
quantity_path(gpu, section) := path if {
	last := count(gpu.path) - 1
	gpu.path[last - 1] in {"limits", "requests"}
	path := array.concat(array.slice(gpu.path, 0, last - 1), [section, gpu.path[last]])
} else := gpu.path

# A toleration as `kubectl taint` would write its taint: key[=value][:effect].
toleration_text(toleration) := concat("", [
	toleration.key,
	concat("", ["=" | toleration.value != ""]),
	toleration.value,
	concat("", [":" | toleration.effect != ""]),
	toleration.effect,
])
