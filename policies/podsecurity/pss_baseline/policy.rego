# METADATA
# title: A pod breaks the baseline Pod Security Standard
# description: |-
#   Model servers load files, plug-ins and custom code that somebody else wrote; whoever gets
#   code to run in one should be stuck in its container. Each field that baseline forbids is a
#   known way out: a privileged debug container left on one inference pod, or a hostPath of the
#   container runtime's socket, hands over the node, all its GPUs and the credentials of every
#   pod beside it. The checks, their ids and values are those of
#   Kubernetes' Pod Security admission in every version from v1.0 to v1.37, over init, main and
#   ephemeral containers; `version` picks one, as a namespace's enforce-version does. The API
#   server enforces them only where the namespace is labelled, and then on Pods: a Deployment is
#   accepted and its pods never appear.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: Pod Security Standards, baseline
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-admission/
#   description: Pod Security admission
# custom:
#   id: KARB-PSS-001
#   severity: error
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [pods]
#   identity: value
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
#         of `namespaceMode`) decide, as the API server does: nothing is reported in a `privileged` namespace; a level
#         that doesn't exist means restricted, a version that doesn't exist means latest. A
#         namespace without the one label is judged at this level, without the other by `version`.
#         Where the Namespace is not known (lint of files without it) the invariant is undecided
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
#     appArmorProfile: '{setter} sets the AppArmor profile to "{value}"; allowed are RuntimeDefault and Localhost'
#     capabilities_baseline: 'container {container} adds capability {capability}, which is not in the default set'
#     hostNamespaces: 'the pod sets {field}: true and shares that namespace with its node'
#     hostPathVolumes: 'volume {volume} mounts {hostPath} of the node (hostPath)'
#     hostPorts: 'container {container} uses port {port} of its node (hostPort)'
#     hostProbesAndHostLifecycle: 'container {container} sends its {handler} to host "{host}" instead of the pod'
#     privileged: 'container {container} sets securityContext.privileged: true'
#     procMount: 'container {container} sets securityContext.procMount to "{value}", which unmasks kernel interfaces in /proc'
#     seLinuxOptions: '{setter} sets seLinuxOptions.{field} to "{value}"'
#     seccompProfile_baseline: '{setter} sets the seccomp profile to "{value}"; allowed are RuntimeDefault and Localhost'
#     sysctls: 'the pod sets sysctl {sysctl}, which is not in the safe set'
#     windowsHostProcess: '{setter} sets windowsOptions.hostProcess: true and runs on the Windows node itself'
#   remediation: |-
#     Remove the field, or set one of the values that the standard allows. What usually replaces it:
#
#     - hostPath for model weights: a PersistentVolumeClaim, an image volume or an emptyDir that an
#       init container fills; hostIPC for NCCL: an emptyDir with `medium: Memory` at /dev/shm;
#     - hostPort and hostNetwork: a Service; a probe's `host`: leave it out, the kubelet asks the pod;
#     - privileged or added capabilities for GPU access: a GPU limit, the device plugin does the rest;
#     - IPC_LOCK for RDMA: there is no baseline value; waive this check on that workload, with an
#       owner and an end date;
#     - procMount for nested containers: also set `hostUsers: false`.
package karb.podsecurity.pss_baseline

import data.karb.lib.pss_baseline
import data.karb.lib.pss_policy

params := input.params["pss-baseline"]

# One file a check: lib/pss_baseline/.
violations := pss_baseline.violations if pss_policy.asked(params, "baseline")

else := pss_policy.undecided(params, "privileged")
