# METADATA
# title: A RuntimeClass that Pod Security exempts is used outside its namespaces
# description: |-
#   The configuration of Pod Security admission can exempt RuntimeClasses: pods that name one are
#   checked at no level, in no namespace. That is sensible for a sandbox of virtual machines, but the
#   exemption doesn't look at who asks: anyone who may create pods can write the name into a
#   manifest and run privileged or with the node's file system. So the exempt classes are for chosen
#   namespaces. Which classes are exempt is written in the API server's AdmissionConfiguration, which
#   nobody can read from outside: name them in `exempt`, without which nothing is checked.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-admission/#exemptions
#   description: Exemptions of Pod Security admission
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/enforce-standards-admission-controller/
#   description: The configuration of the admission plugin
# custom:
#   id: KARB-RC-003
#   severity: error
#   since: 0.1.0
#   match: [pods]
#   identity: value
#   params:
#     exempt:
#       type: array
#       items: {type: string}
#       description: RuntimeClasses in `exemptions.runtimeClasses` of the PodSecurityConfiguration (exact names, as there).
#       default: []
#     namespaces:
#       type: array
#       items: {type: string, format: glob}
#       description: Namespaces that may use them (globs).
#       default: []
#   checks:
#     exempt: 'runtimeClassName {runtimeClass} takes this pod out of Pod Security, which namespace {namespace} may not'
#   remediation: |-
#     Use a RuntimeClass that is not exempt, or none:
#
#       spec:
#         runtimeClassName: nvidia
#
#     Where a namespace is meant to run such pods, add it to the parameter `namespaces`.
package karb.runtimeclass.rc_psa_exempt

import data.karb.lib.globs
import data.karb.lib.objects

params := input.params["rc-psa-exempt"]

violations contains object.union(v, doubt) if {
	some pod in input.pods
	name := pod.spec.runtimeClassName
	name in params.exempt
	not globs.any_of(params, "namespaces", namespace)
	v := {
		"check": "exempt",
		"path": array.concat(pod.path, ["runtimeClassName"]),
		"detail": {"runtimeClass": name, "namespace": namespace},
	}
}

namespace := objects.namespace

# No namespace is allowed, so it doesn't matter which one this will be.
doubt := {} if {
	count(params.namespaces) == 0
} else := {"unknown": "the manifest names no namespace, so the parameter `namespaces` can't decide"} if {
	namespace == ""
} else := {}
