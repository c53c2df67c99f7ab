# METADATA
# title: IPC_LOCK for RDMA has no dated waiver
# description: |-
#   RDMA (InfiniBand, RoCE, EFA) pins memory, and a container may pin only a little of it without the
#   capability IPC_LOCK. No value of the baseline standard allows that capability, so a multi-node
#   model server either goes without RDMA or is an exception; and an exception that nobody dates
#   outlives its reason, and its namespace stays at `privileged` for everybody else in it.
#   Asked for is a waiver of `pss-baseline` on the object, on the pod template or for the container,
#   with a reason and a last day that has not passed. There are ways around the exception: a
#   container runtime with an unlimited memlock ulimit needs no capability.
# related_resources:
# - ref: https://man7.org/linux/man-pages/man7/capabilities.7.html
#   description: capabilities(7), CAP_IPC_LOCK
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: Pod Security Standards, baseline
# custom:
#   id: KARB-PSS-005
#   severity: warning
#   since: 0.1.0
#   match: [pods]
#   checks:
#     undated: 'container {container} adds IPC_LOCK, and no waiver of pss-baseline with a reason and a day to come covers it'
#   remediation: |-
#     Write down why, and until when, on the workload or on its pod template:
#
#       metadata:
#         annotations:
#           waive.karb.dev/pss-baseline.server: "RDMA between the workers pins memory until=2027-03-31"
#
#     Or raise the memlock limit in the nodes' container runtime (`LimitMEMLOCK=infinity` for
#     containerd) and remove the capability.
package karb.podsecurity.pss_rdma

import data.karb.lib.objects

params := input.params["pss-rdma"]

violations contains v if {
	some pod in input.pods
	some container in pod.containers
	some i, capability in container.spec.securityContext.capabilities.add
	capability == "IPC_LOCK"
	pod.os != "windows" # where capabilities mean nothing
	not waived(pod, container)
	v := {
		"check": "undated",
		"path": array.concat(container.path, ["securityContext", "capabilities", "add", i]),
		"detail": {"container": container.name},
	}
}

waived(pod, container) if {
	some annotations in [pod.annotations, objects.annotations]
	some name in ["pss-baseline", "KARB-PSS-001"]
	some suffix in ["", concat("", [".", container.name])]
	holds(annotations[concat("", ["waive.karb.dev/", name, suffix])])
}

# A reason, then the last day; dates compare as texts do. What is wrong with any other is said by
# the invariants about waivers.
holds(text) if {
	regex.match(`(?s)^\s*\S.*\suntil=[0-9]{4}-[0-9]{2}-[0-9]{2}\s*$`, text)
	parts := split(trim_space(text), "until=")
	parts[count(parts) - 1] >= input.today
}
