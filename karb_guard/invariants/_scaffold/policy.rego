# METADATA
# title: A container that crashes leaves no reason behind
# description: |-
#   Say here why this matters, in a few sentences: what happens in a cluster that breaks the rule,
#   who notices, and what it costs. As generated, the rule wants `terminationMessagePolicy:
#   FallbackToLogsOnError`: with the default, `File`, a container that dies without writing
#   /dev/termination-log leaves an empty status, and its log goes away with the Pod.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
#   description: Determine the reason for Pod failure
# custom:
#   id: $id
#   severity: info
#   since: $since
#   match: [pods]
#   params:
#     policy:
#       type: string
#       enum: [File, FallbackToLogsOnError]
#       description: The terminationMessagePolicy that every container must have.
#       default: FallbackToLogsOnError
#   checks:
#     policy: 'container {container} has terminationMessagePolicy {got}, not {want}'
#   remediation: |-
#     Set `terminationMessagePolicy: FallbackToLogsOnError` on the container.
package $package

params := input.params["$name"]

# Each element of `violations` names a check of the metadata above, the path of the field in
# the object, and the values for the check's message.
violations contains v if {
	some pod in input.pods
	some container in pod.containers
	judged(container)

	# Static defaults are filled in before policies see a container: an unset field reads `File`.
	got := container.spec.terminationMessagePolicy
	got != params.policy
	v := {
		"check": "policy",
		"path": array.concat(container.path, ["terminationMessagePolicy"]),
		"detail": {"container": container.name, "got": got, "want": params.policy},
	}
}

# An ephemeral container is somebody's debug session; an open one is merged with something that
# isn't visible here, so what is absent proves nothing.
judged(container) if {
	container.role != "ephemeral"
	not container.open
}
