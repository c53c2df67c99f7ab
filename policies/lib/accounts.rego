# Which ServiceAccount a pod runs as.
package karb.lib.accounts

import data.karb.lib.pods

# The pods whose author decides about it. In a list: a set would have to hash whole pods.
chosen := [pod |
	input.workload.role != "runtime" # its pods are those of the objects that use it
	not mirrored
	some pod in input.pods
	not autoscales(pod)
]

# The kubelet's own pods run without an account.
mirrored if input.object.metadata.annotations["kubernetes.io/config.mirror"]

name(pod) := account if {
	account := pod.spec.serviceAccountName
	account != ""
} else := "default"

# KubeRay gives the head an account of its own where Ray's autoscaler runs beside it.
autoscales(pod) if {
	head := count(pod.path) - 3
	pod.path[head] == "headGroupSpec"
	pod.path[0] == "spec"
	object.get(input.object.spec, array.concat(array.slice(pod.path, 1, head), ["enableInTreeAutoscaling"]), false) == true
}

# An operator that nobody knows may choose an account by itself, as KubeRay does.
doubt(pod) := {"unknown": "which ServiceAccount the operator of this kind gives its pods is not known"} if {
	input.workload.discovered
	object.get(pod.spec, "serviceAccountName", "") == ""
} else := pods.pod_doubt(pod)
