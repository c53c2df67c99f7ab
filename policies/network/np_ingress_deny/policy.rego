# METADATA
# title: A namespace doesn't deny ingress by default
# description: |-
#   Without a NetworkPolicy every pod of the cluster may connect to every other. A model server
#   seldom authenticates its callers, and its port also serves the admin API: load an adapter, run
#   a profile, unload a model. One compromised notebook in any namespace is then enough to send it
#   prompts, starve its users or swap its model. A policy that selects every pod and allows
#   nothing turns this around; each allow rule is then a decision that somebody wrote down.
#   Looked for is a NetworkPolicy in the workload's namespace with an empty podSelector, the
#   policyType Ingress and no rules; allow rules belong in policies of their own, which add to it.
#   With `mode: effective` it is enough that the policies of the namespace together isolate each pod:
#   one policy of the type that selects it, whatever it allows.
#   Pods on the network of their host are beyond NetworkPolicies and are reported as such.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-policies
#   description: Default policies
# - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-and-hostnetwork-pods
#   description: NetworkPolicy and hostNetwork pods
# custom:
#   id: KARB-NET-001
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
#     missing: 'namespace {namespace} has no NetworkPolicy that denies ingress for every pod by default'
#     open: 'no NetworkPolicy of namespace {namespace} isolates this pod for ingress'
#     hostNetwork: 'the pod uses the network of its host (hostNetwork: true), where no NetworkPolicy denies ingress'
#   remediation: |-
#     Add this to the workload's namespace, and one policy more for each ingress that is needed
#     (the gateway, the metrics scraper):
#
#       apiVersion: networking.k8s.io/v1
#       kind: NetworkPolicy
#       metadata:
#         name: default-deny-ingress
#       spec:
#         podSelector: {}
#         policyTypes: [Ingress]
#
#     The cluster's network plug-in must enforce NetworkPolicies. A pod with `hostNetwork: true` needs
#     a Service or a hostPort-free design instead, or a waiver with an end date.
package karb.network.np_ingress_deny

import data.karb.lib.netpol

params := input.params["np-ingress-deny"]

violations := netpol.undenied("Ingress", params.mode)
