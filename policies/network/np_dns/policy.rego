# METADATA
# title: A pod whose egress is isolated can't resolve names
# description: |-
#   A default-deny for egress shuts port 53 too. The pod starts, and then every download of a model,
#   every call to a queue or a vector store fails with "temporary failure in name resolution", often
#   after a long timeout, which looks like a slow model or a broken registry, and the first aid is
#   to delete the default-deny again.
#   The policies that select a pod add up: it is enough that one of them allows UDP and TCP port 53
#   (long answers are asked for again by TCP) to the cluster's DNS pods (kube-system, label
#   k8s-app=kube-dns; OpenShift's on port 5353) or to the node-local cache 169.254.20.10. Where an
#   allow leads to other addresses or depends on labels that are not visible, and for pods that
#   don't ask the cluster's DNS (dnsPolicy None or Default), the invariant does not decide.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-deny-all-egress-traffic
#   description: Default deny all egress traffic
# - ref: https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/
#   description: Using NodeLocal DNSCache
# custom:
#   id: KARB-NET-003
#   severity: error
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [pods]
#   context: [isolation]
#   checks:
#     closed: 'egress of this pod is isolated by NetworkPolicy {policies}, and none opens UDP and TCP port 53 to the cluster''s DNS'
#   remediation: |-
#     Add this to the workload's namespace, beside its default-deny:
#
#       apiVersion: networking.k8s.io/v1
#       kind: NetworkPolicy
#       metadata:
#         name: allow-dns
#       spec:
#         podSelector: {}
#         policyTypes: [Egress]
#         egress:
#           - to:
#               - namespaceSelector:
#                   matchLabels:
#                     kubernetes.io/metadata.name: kube-system
#                 podSelector:
#                   matchLabels:
#                     k8s-app: kube-dns
#             ports:
#               - {protocol: UDP, port: 53}
#               - {protocol: TCP, port: 53}
#
#     With NodeLocal DNSCache add `- ipBlock: {cidr: 169.254.20.10/32}` under `to`.
package karb.network.np_dns

import data.karb.lib.netpol

violations contains object.union(violation, certainty) if {
	input.workload.role != "runtime" # runs no pods of its own
	some i, pod in input.pods
	isolation := input.context.isolation[i]
	not netpol.host_network(pod)
	certainty := doubt(pod, isolation)
	violation := {
		"check": "closed",
		"path": netpol.labels(pod),
		"detail": {"policies": isolation.egress.policies},
	}
}

violations contains violation if {
	not input.context.isolation
	input.workload.role != "runtime"
	violation := {
		"check": "closed",
		"path": ["metadata", "namespace"],
		"detail": {"policies": []},
		"unknown": "the namespace's NetworkPolicies are not known here",
	}
}

doubt(pod, isolation) := netpol.doubt_unless(isolation.dns) if asks_cluster(pod)

doubt(pod, isolation) := {"unknown": "the pod asks other name servers than the cluster's (dnsPolicy)"} if {
	not asks_cluster(pod)
	isolation.egress.isolated != false
}

asks_cluster(pod) if not object.get(pod.spec, "dnsPolicy", "ClusterFirst") in {"None", "Default"}
