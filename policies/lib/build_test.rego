# Input documents for tests, as small as the contract allows: `pod` and `container` take what
# differs from a Linux pod without GPU. Only `opa test` loads this file.
package karb.lib.build

workload(role) := {"kind": "Deployment", "group": "apps", "role": role, "injects": [], "operator": false}

document(params, pods) := {
	"params": params,
	"object": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "llm", "namespace": "inference"}},
	"workload": workload("serving"),
	"pods": pods,
	"context": {},
}

pod(changes) := object.union(
	{
		"path": ["spec", "template", "spec"],
		"metadataPath": ["spec", "template", "metadata"],
		"labels": {},
		"annotations": {},
		"spec": {},
		"os": "linux",
		"containers": [],
		"podResources": {"limits": {}, "requests": {}},
		"gpu": {
			"workload": false, "unaccounted": false, "suspected": false, "unknown": null,
			"resources": [], "vendors": [], "evidence": [],
		},
		"tolerations": [],
		"selectors": [],
		"slo": {},
	},
	changes,
)

container(changes) := object.union(
	{
		"name": "server",
		"role": "main",
		"path": ["spec", "template", "spec", "containers", 0],
		"open": false,
		"spec": {},
		"limits": {},
		"requests": {},
		"declared": {"limits": [], "requests": []},
		"gpus": [],
	},
	changes,
)

gpu_of(resource, vendor, test) := {
	"workload": true, "unaccounted": false, "suspected": false, "unknown": null,
	"resources": [resource], "vendors": [vendor],
	"evidence": [{"test": test, "path": [], "value": resource}],
}

toleration(changes) := object.union(
	{
		"index": 0, "path": ["spec", "template", "spec", "tolerations", 0], "key": "nvidia.com/gpu",
		"operator": "Exists", "value": "", "effect": "NoSchedule", "gpu": true, "wild": false,
	},
	changes,
)

# A NetworkPolicy with the described rules.
network_policy(params, allows) := {
	"params": params,
	"object": {
		"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
		"metadata": {"name": "allow", "namespace": "inference"}, "spec": {"podSelector": {}},
	},
	"networkPolicy": {"policyTypes": ["Egress", "Ingress"], "allows": allows},
	"context": {},
}

allow(changes) := object.union(
	{
		"direction": "Egress", "path": ["spec", "egress", 0], "peersPath": ["spec", "egress", 0, "to"],
		"peers": [], "ports": [], "dns": false,
	},
	changes,
)

peer := {"kind": "pods", "path": ["spec", "egress", 0, "to", 0], "error": null}

block(changes) := object.union(
	{
		"kind": "ipBlock", "path": ["spec", "egress", 0, "to", 0, "ipBlock"], "cidr": "10.0.0.0/8",
		"family": 4, "except": [], "everywhere": false, "error": null,
	},
	changes,
)
