# What the Pod Security checks visit, as the upstream checks do (k8s.io/pod-security-admission):
# the pod's own security context and those of its init, main and ephemeral containers.
package karb.lib.pss_contexts

# Both are rules and no functions of the pod: a dozen checks read them, and what is a rule is worked
# out once.

# Every container with its security context, `{}` where none is set, and the pod before it.
containers := [[pod, container, value] |
	some pod in input.pods
	some container in pod.containers
	value := object.get(container.spec, "securityContext", {})
]

# Every security context, with the pod and what holds it: the pod itself or a container.
everywhere := array.concat(
	[[pod, pod, value] | some pod in input.pods; value := pod.spec.securityContext],
	containers,
)

path(holder, field) := array.concat(holder.path, ["securityContext", field])

# How messages name what holds a security context.
setter(holder) := named(holder) if {
	holder.role # only containers have one
} else := "the pod"

named(container) := concat(" ", ["container", container.name])

# A pod in a user namespace of its own: root inside is nobody on the node (KEP-127).
user_namespace(pod) if pod.spec.hostUsers == false

# An enum field as Go reads it: absent, null and "" are the same.
text(object_, field) := value if {
	value := object_[field]
	is_string(value)
} else := ""

# Neither absent nor null, which the API server takes for the same.
present(object_, field) if object_[field] != null
