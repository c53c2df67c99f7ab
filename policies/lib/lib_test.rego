package karb.lib.tests

import data.karb.lib.allow
import data.karb.lib.build
import data.karb.lib.gpu
import data.karb.lib.pods

test_resourced_leaves_out_ephemeral_containers if {
	roles := ["init", "sidecar", "main", "ephemeral"]
	pod := build.pod({"containers": [build.container({"role": role}) | some role in roles]})
	[container.role | some container in pods.resourced(pod)] == ["init", "sidecar", "main"]
}

test_a_closed_container_leaves_no_doubt if {
	pods.doubt(build.container({})) == {} with input as build.document({}, [])
}

test_an_open_container_leaves_doubt_and_other_templates_of_a_runtime_do_not if {
	contains(pods.doubt(build.container({"open": true})).unknown, "container server")
	pods.doubt(build.container({})) == {} with input as {"workload": build.workload("runtime")}
}

test_operators_with_resource_defaults_leave_doubt_about_resources_only if {
	document := {"workload": {"injects": ["resources"]}}
	contains(pods.resource_doubt(build.container({})).unknown, "operator") with input as document
	pods.doubt(build.container({})) == {} with input as document
	pods.resource_doubt(build.container({})) == {} with input as build.document({}, [])
}

test_kserve_fills_in_the_first_container_only if {
	document := {"workload": {"kind": "InferenceService", "injects": ["resources"]}}
	path := ["spec", "predictor", "containers"]
	pods.resource_doubt(build.container({"path": array.concat(path, [0])})).unknown with input as document
	others := [array.concat(path, [1]), ["spec", "predictor", "initContainers", 0], ["spec", "predictor", "workerSpec", "containers", 0]]
	every other in others {
		pods.resource_doubt(build.container({"path": other})) == {} with input as document
	}
}

test_one_open_container_makes_the_pod_doubtful if {
	pod := build.pod({"containers": [build.container({"open": true}), build.container({"name": "agent"})]})
	pods.pod_doubt(pod).unknown with input as build.document({}, [])
	pods.pod_doubt(build.pod({"containers": [build.container({})]})) == {} with input as build.document({}, [])
}

test_a_queue_label_on_pod_or_object_makes_placement_doubtful if {
	queue := {"kueue.x-k8s.io/queue-name": "gpu"}
	contains(pods.placement_doubt(build.pod({"labels": queue})).unknown, "Kueue") with input as build.document({}, [])
	object_labelled := {"object": {"metadata": {"labels": queue}}}
	contains(pods.placement_doubt(build.pod({})).unknown, "Kueue") with input as object_labelled
	pods.placement_doubt(build.pod({})) == {} with input as build.document({}, [])
}

test_injected_reads_what_the_operator_adds if {
	pods.injected("tolerations") with input as {"workload": {"injects": ["tolerations"]}}
	not pods.injected("resources") with input as {"workload": {"injects": ["tolerations"]}}
}

test_a_gpu_workload_is_a_user_and_no_bystander if {
	pod := build.pod({"gpu": build.gpu_of("nvidia.com/gpu", "nvidia", 1)})
	gpu.user(pod) == {}
	not gpu.bystander(pod)
}

test_a_cpu_pod_is_a_bystander_and_no_user if {
	pod := build.pod({"containers": [build.container({})]})
	gpu.bystander(pod) == {} with input as build.document({}, [])
	not gpu.user(pod) with input as build.document({}, [])
}

test_an_unresolved_claim_is_both_in_doubt if {
	pod := build.pod({"gpu": {"unknown": "claim c"}})
	gpu.user(pod) == {"unknown": "claim c"} with input as build.document({}, [])
	gpu.bystander(pod) == {"unknown": "claim c"} with input as build.document({}, [])
}

test_an_open_pod_is_both_in_doubt if {
	pod := build.pod({"containers": [build.container({"open": true})]})
	gpu.user(pod).unknown with input as build.document({}, [])
	gpu.bystander(pod).unknown with input as build.document({}, [])
}

test_quantity_path_moves_between_limits_and_requests if {
	gpu.quantity_path({"path": ["a", "resources", "limits", "nvidia.com/gpu"]}, "requests") == ["a", "resources", "requests", "nvidia.com/gpu"]
	gpu.quantity_path({"path": ["metadata", "annotations", "gpu-fraction"]}, "limits") == ["metadata", "annotations", "gpu-fraction"]
}

test_toleration_text_reads_like_a_taint if {
	gpu.toleration_text(build.toleration({})) == "nvidia.com/gpu:NoSchedule"
	gpu.toleration_text(build.toleration({"value": "present", "effect": ""})) == "nvidia.com/gpu=present"
}

test_system_roles_listed_namespaces_and_kinds_are_exempt if {
	none := {"namespaces": [], "kinds": []}
	document := build.document({}, [])
	not allow.exempt(none) with input as document
	allow.exempt(none) with input as object.union(document, {"workload": {"role": "system"}})
	allow.exempt({"namespaces": ["infer*"], "kinds": []}) with input as document
	allow.exempt({"namespaces": [], "kinds": ["apps/*"]}) with input as document
	not allow.exempt({"namespaces": ["infer"], "kinds": ["Deployment"]}) with input as document
}

test_positive_is_false_for_absent_and_zero if {
	pods.positive(build.container({"limits": {"cpu": 1}}), "limits", "cpu")
	not pods.positive(build.container({"limits": {"cpu": 0}}), "limits", "cpu")
	not pods.positive(build.container({}), "limits", "cpu")
}

test_a_pod_with_open_containers_is_in_doubt_and_one_without_containers_is_not if {
	open := [{"name": "a", "open": true}, {"name": "b", "open": true}]
	contains(pods.pod_doubt({"containers": open}).unknown, "container a ")
	pods.pod_doubt({"containers": []}) == {}
	pods.pod_doubt({"containers": [{"name": "c", "open": false}]}) == {}
}
