# Who may tolerate what others may not.
package karb.lib.allow

# DaemonSets and what a node runs by itself always; others by the invariant's own parameters:
# `namespaces` and `kinds` (`group/Kind`, `/Pod` for the core group), both with globs.
exempt(_) if input.workload.role == "system"

exempt(params) if matches(params.namespaces, input.object.metadata.namespace)

exempt(params) if {
	matches(params.kinds, concat("/", [input.workload.group, input.workload.kind]))
}

# `*` in a pattern stands for any characters, dots and slashes too.
matches(patterns, value) if {
	some pattern in patterns
	glob.match(pattern, null, value)
}
