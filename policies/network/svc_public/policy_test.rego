package karb.network.svc_public_test

import data.karb.network.svc_public

service(spec, context) := {
	"params": {"svc-public": {"ports": [8000]}},
	"object": {
		"apiVersion": "v1", "kind": "Service", "metadata": {"name": "llm", "namespace": "inference"},
		"spec": object.union({"type": "LoadBalancer", "selector": {"app": "llm"}}, spec),
	},
	"context": context,
}

http := {"ports": [{"port": 80, "targetPort": "http"}]}

number := {"ports": [{"port": 80, "targetPort": 8000}]}

metrics := {"ports": [{"port": 9400, "targetPort": 9400}]}

backend(changes) := object.union(
	{
		"name": "Deployment llm", "labels": {"app": "llm", "tier": "gold"}, "gpu": true, "why": null,
		"ports": [
			{"name": "http", "number": 8000, "protocol": "TCP", "gpu": true},
			{"name": "metrics", "number": 9400, "protocol": "TCP", "gpu": false},
		],
	},
	changes,
)

answers(spec, context) := found if found := svc_public.violations with input as service(spec, context)

behind(spec, changes) := answers(spec, {"backends": [backend(changes)]})

test_a_port_of_a_gpu_container_is_exposed if {
	behind(http, {}) == {{
		"check": "exposed",
		"path": ["spec", "ports", 0],
		"detail": {"type": "LoadBalancer", "port": 80, "workloads": ["Deployment llm"]},
	}}
	count(behind(number, {})) == 1
	count(behind(object.union(number, {"type": "NodePort"}), {})) == 1
}

test_a_port_that_nobody_declares_is_the_model_s if {
	count(behind(number, {"ports": []})) == 1
	behind(http, {"ports": []}) == set()
}

test_another_container_s_port_is_none if {
	behind(metrics, {}) == set()
	behind({"ports": [{"port": 9400, "targetPort": "metrics"}]}, {}) == set()
}

test_other_types_stay_inside if {
	every type in ["ClusterIP", "ExternalName"] {
		behind(object.union(http, {"type": type}), {}) == set()
		answers(object.union(number, {"type": type}), {}) == set()
	}
}

test_workloads_without_gpu_are_not_its_business if {
	behind(http, {"gpu": false}) == set()
}

test_a_template_with_other_labels_is_not_selected if {
	behind(http, {"labels": {"app": "router"}}) == set()
}

test_an_unresolved_claim_leaves_it_undecided if {
	[answer] := [each | some each in behind(http, {"gpu": null, "why": "claim c"})]
	answer.unknown == "Deployment llm: claim c"
}

test_each_workload_is_named_once_a_port if {
	two := {"backends": [backend({}), backend({"name": "Deployment canary"}), backend({"name": "Job x", "gpu": false})]}
	[answer] := [each | some each in answers(http, two)]
	answer.detail.workloads == ["Deployment canary", "Deployment llm"]
}

test_without_visible_pods_the_port_says_whether_to_doubt if {
	[answer] := [each | some each in answers(number, {})]
	is_string(answer.unknown)
	count(answers({"ports": [{"port": 8000}]}, {})) == 1
	count(answers(http, {})) == 1
	answers({"ports": [{"port": 443, "targetPort": 8443}]}, {}) == set()
	answers({}, {}) == set()
}
