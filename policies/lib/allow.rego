# Who may tolerate what others may not.
package karb.lib.allow

import data.karb.lib.globs

# DaemonSets and what a node runs by itself always; others by the invariant's own parameters:
# `namespaces` and `kinds` (`group/Kind`, `/Pod` for the core group), both with globs.
exempt(_) if input.workload.role == "system"

exempt(params) if globs.any_of(params, "namespaces", input.object.metadata.namespace)

exempt(params) if {
	globs.any_of(params, "kinds", concat("/", [input.workload.group, input.workload.kind]))
}
