# What policies ask about pods again and again. A policy that must not guess adds one of the
# `doubt` objects to its violation: `{}` says "certain", `{"unknown": why}` says that something
# which is not visible here decides.
package karb.lib.pods

# Containers whose resources count: an ephemeral container can't have any (the API refuses them).
resourced(pod) := [container | some container in pod.containers; container.role != "ephemeral"]

# The same of all pods, each with its pod. A rule, which several invariants share.
all_resourced := [[pod, container] | some pod in input.pods; some container in resourced(pod)]

# A container, or the pod's own resources, has more than nothing of `resource` in `section`. A
# rule of its own because `not x.y > 0` is undefined, not true, where `x.y` is absent: the
# compiler evaluates the parts of a negated comparison before the negation.
positive(holder, section, resource) if holder[section][resource] > 0

# The kind's operator adds this to the pods it makes ("tolerations", "nodeSelector", "resources" ...).
injected(what) if what in input.workload.injects

# What the absence of a field of `container` proves.
doubt(container) := {"unknown": why} if {
	container.open
	why := concat("", ["container ", container.name, " is merged with one that is not visible here"])
} else := {}

# What the absence of a quantity of CPU or memory proves: some operators have defaults for it.
resource_doubt(container) := {"unknown": why} if {
	injected("resources")
	filled(container)
	why := concat(" ", ["the operator of this kind fills in the resources of container", container.name])
} else := doubt(container)

# KServe fills in those of a component's first container only (setResourceRequirementDefaults).
filled(_) if input.workload.kind != "InferenceService"

filled(container) if {
	last := count(container.path) - 1
	container.path[last] == 0
	container.path[last - 1] == "containers"
	not "workerSpec" in container.path
}

# What the absence of a field of the pod proves: whoever completes a container completes the pod.
pod_doubt(pod) := doubts[0] if {
	doubts := [doubt(container) | some container in pod.containers; container.open]
} else := {}

# What the absence of a toleration or node selector proves. Kueue adds those of the
# ResourceFlavor to whatever carries its queue label, when it admits the workload.
placement_doubt(pod) := {"unknown": why} if {
	queued(pod)
	why := "Kueue adds the tolerations and node labels of the queue's ResourceFlavor"
} else := pod_doubt(pod)

queued(pod) if pod.labels["kueue.x-k8s.io/queue-name"]

queued(_) if input.object.metadata.labels["kueue.x-k8s.io/queue-name"]
