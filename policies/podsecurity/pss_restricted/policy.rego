# METADATA
# title: A pod breaks the restricted Pod Security Standard
# description: |-
#   Baseline closes the known ways out of a container; restricted takes away what the next
#   kernel or runtime bug needs: root, set-user-ID, capabilities, an unfiltered system call table.
#   Container escapes such as CVE-2019-5736 (runc overwritten by a process that is root in its
#   container) end at a non-root user. Inference servers rarely need any of it, but most public
#   manifests set none of these fields. This invariant reports only what restricted adds: a value
#   that baseline forbids already is reported by `pss-baseline`, once, so enable both.
#   The checks, their ids and values are those of Kubernetes' Pod Security admission in every
#   version from v1.0 to v1.37; `version` picks one, give both invariants the same. Since v1.25
#   Windows pods (`spec.os.name: windows`) need no Linux fields, since v1.35 pods in a user
#   namespace (`hostUsers: false`) may run as root inside.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#   description: Pod Security Standards, restricted
# - ref: https://kubernetes.io/docs/concepts/workloads/pods/user-namespaces/
#   description: User namespaces
# - ref: https://nvd.nist.gov/vuln/detail/CVE-2019-5736
#   description: CVE-2019-5736, a container process overwrites runc
# custom:
#   id: KARB-PSS-002
#   severity: warning
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [pods]
#   context: [namespace]
#   params:
#     version:
#       type: string
#       pattern: '^(latest|v1\.(0|[1-9][0-9]*))$'
#       description: >-
#         the version of the standard, v1.0 to v1.37 or `latest`; a version newer than v1.37 is
#         judged as v1.37
#       default: latest
#     namespaceLabels:
#       type: boolean
#       description: >-
#         let the namespace's labels pod-security.kubernetes.io/enforce and enforce-version (or those
#         of `namespaceMode`) decide, as the API server does: nothing is reported in a `privileged` or `baseline`
#         namespace; a level that doesn't exist means restricted, a version that doesn't exist
#         means latest. A namespace without the one label is judged at this level, without the
#         other by `version`. Where the Namespace is not known (lint of files without it) the
#         invariant is undecided
#       default: false
#     namespaceMode:
#       type: string
#       enum: [enforce, audit, warn]
#       description: >-
#         whose labels decide with `namespaceLabels`. While the next level is rolled out, `warn`
#         judges pods by it before it is enforced. Of audit and warn, a level that doesn't exist
#         means privileged
#       default: enforce
#   checks:
#     allowPrivilegeEscalation: 'container {container}: securityContext.allowPrivilegeEscalation is {value}, it must be false'
#     capabilities_restricted: 'container {container}: capabilities.{field} is {value}; drop must hold ALL, add at most NET_BIND_SERVICE'
#     procMount_restricted: 'container {container} sets securityContext.procMount to "{value}"; only Default is allowed'
#     restrictedVolumes: 'volume {volume} is of type {type}, which pods may not mount directly'
#     runAsNonRoot: '{setter}: securityContext.runAsNonRoot is {value}, it must be true on the container or the pod'
#     runAsUser: '{setter} sets securityContext.runAsUser to 0 (root)'
#     seccompProfile_restricted: 'container {container} has no seccomp profile, and neither has the pod'
#   remediation: |-
#     Set this on the pod and on every container, init containers and sidecars too:
#
#       spec:
#         securityContext:
#           runAsNonRoot: true
#           runAsUser: 1000          # where the image's own user is root
#           seccompProfile:
#             type: RuntimeDefault
#         containers:
#         - securityContext:
#             allowPrivilegeEscalation: false
#             capabilities:
#               drop: [ALL]
#
#     Network storage (nfs, cephfs, iscsi ...) goes behind a PersistentVolumeClaim or a CSI volume.
#     Where the image must be root, `hostUsers: false` makes it harmless to the node.
package karb.podsecurity.pss_restricted

import data.karb.lib.pss_policy
import data.karb.lib.pss_restricted

params := input.params["pss-restricted"]

# One file a check: lib/pss_restricted/.
violations := pss_restricted.violations if pss_policy.asked(params, "restricted")

else := pss_policy.undecided(params, "runAsNonRoot")
