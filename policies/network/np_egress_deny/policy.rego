# METADATA
# title: A namespace doesn't deny egress by default
# description: |-
#   Model files and custom code come from elsewhere, and code that gets to run in a server (a
#   pickle, `trust_remote_code`) first of all calls home: weights, prompts and the token of the
#   service account leave by any open connection, and the cloud metadata address hands out the
#   credentials of the node. A policy that selects every pod and allows nothing makes each way out
#   a decision that somebody wrote down.
#   Looked for is a NetworkPolicy in the workload's namespace with an empty podSelector, the
#   policyType Egress and no rules; allow rules belong in policies of their own, which add to it.
#   With `mode: effective` it is enough that the policies of the namespace together isolate each pod:
#   one policy of the type that selects it, whatever it allows.
#   Pods on the network of their host are beyond NetworkPolicies and are reported as such.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-policies
#   description: Default policies
# - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-and-hostnetwork-pods
#   description: NetworkPolicy and hostNetwork pods
# custom:
#   id: KARB-NET-002
#   severity: error
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [pods]
#   context: [networkpolicies, isolation]
#   params:
#     mode:
#       type: string
#       enum: [namespace, effective]
#       description: What is asked for. `namespace`, a policy that denies by default; `effective`, any policy that isolates each of the workload's pods.
#       default: namespace
#   checks:
#     missing: 'namespace {namespace} has no NetworkPolicy that denies egress for every pod by default'
#     open: 'no NetworkPolicy of namespace {namespace} isolates this pod for egress'
#     hostNetwork: 'the pod uses the network of its host (hostNetwork: true), where no NetworkPolicy denies egress'
#   remediation: |-
#     Add this to the workload's namespace, and one policy more for each egress that is needed
#     (DNS on port 53, UDP and TCP, first of all; then the model store and the queue):
#
#       apiVersion: networking.k8s.io/v1
#       kind: NetworkPolicy
#       metadata:
#         name: default-deny-egress
#       spec:
#         podSelector: {}
#         policyTypes: [Egress]
#
#     The cluster's network plug-in must enforce NetworkPolicies. A pod with `hostNetwork: true` needs
#     a Service or a hostPort-free design instead, or a waiver with an end date.
package karb.network.np_egress_deny

import rego.v1

import data.karb.lib.netpol

params := input.params["np-egress-deny"]

violations := netpol.undenied("Egress", params.mode)
