# What the Pod Security checks visit, as the upstream checks do (k8s.io/pod-security-admission):
# the pod's own security context and those of its init, main and ephemeral containers.
package karb.lib.pss_contexts

# Every security context that is set. `setter` is how messages name its place. A rule and no
# function of the pod: six checks read it, and what is a rule is worked out once.
set_anywhere := array.concat(
	[context |
		some pod in input.pods
		context := {
			"pod": pod,
			"setter": "the pod",
			"path": array.concat(pod.path, ["securityContext"]),
			"value": pod.spec.securityContext,
		}
	],
	[context |
		some pod in input.pods
		some container in pod.containers
		context := {
			"pod": pod,
			"setter": named(container),
			"path": array.concat(container.path, ["securityContext"]),
			"value": container.spec.securityContext,
		}
	],
)

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
