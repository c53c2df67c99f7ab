package karb.lib.pss_restricted

import data.karb.lib.pss_contexts
import data.karb.lib.pss_policy

# The minor version of the standard to judge by. Rules ask for it last where they can, so that a
# clean pod costs nothing.
minor := pss_policy.minor(input.params["pss-restricted"])

# Windows has no privilege escalation, capabilities or seccomp: no fields to set, since v1.25.
exempt_windows(pod) if {
	pod.os == "windows"
	minor >= 25
}

# Root in a user namespace is nobody on the node: any user will do, since v1.35.
exempt_user_namespace(pod) if {
	pss_contexts.user_namespace(pod)
	minor >= 35
}
