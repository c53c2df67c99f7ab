package karb.lib.pss_restricted

import data.karb.lib.pods
import data.karb.lib.pss_contexts

violations contains v if {
	some [pod, holder, context] in pss_contexts.everywhere
	context.runAsNonRoot == false
	not exempt_user_namespace(pod)
	v := {
		"check": "runAsNonRoot",
		"path": pss_contexts.path(holder, "runAsNonRoot"),
		"detail": {"setter": pss_contexts.setter(holder), "value": "false"},
	}
}

# A container takes the pod's value; a pod that says false is reported above.
violations contains object.union(v, pods.pod_doubt(pod)) if {
	some pod in input.pods
	not exempt_user_namespace(pod)
	not decided(pod.spec)
	some container in pod.containers
	not decided(container.spec)
	v := {
		"check": "runAsNonRoot",
		"path": array.concat(container.path, ["securityContext", "runAsNonRoot"]),
		"detail": {"setter": pss_contexts.named(container), "value": "not set"},
	}
}

decided(spec) if is_boolean(spec.securityContext.runAsNonRoot)
