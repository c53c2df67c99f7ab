package karb.storage.st_pvc_mode_test

import data.karb.lib.build
import data.karb.storage.st_pvc_mode

scale(replicas, size) := {"replicas": replicas, "size": size, "path": ["spec", "replicas"]}

pod(changes) := build.pod(object.union(
	{
		"scale": scale(2, 1),
		"spec": {"volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "models", "persistentVolumeClaim": {"claimName": "llm"}}]},
	},
	changes,
))

claims(modes) := {"volumeclaims": {"llm": {"accessModes": modes}}}

answers(pod, context, changes) := found if {
	document := object.union(build.document({"st-pvc-mode": {}}, [pod]), {"context": context})
	found := st_pvc_mode.violations with input as object.union(document, changes)
}

test_replicas_that_share_a_claim_of_one_node if {
	answers(pod({}), claims(["ReadWriteOnce"]), {}) == {{
		"check": "shared",
		"path": ["spec", "template", "spec", "volumes", 1, "persistentVolumeClaim", "claimName"],
		"detail": {"volume": "models", "claim": "llm", "pods": 2, "modes": ["ReadWriteOnce"], "holder": "one node"},
	}}
}

test_the_widest_mode_counts if {
	{v.detail.holder | some v in answers(pod({}), claims(["ReadWriteOncePod"]), {})} == {"one pod"}
	{v.detail.holder | some v in answers(pod({}), claims(["ReadWriteOnce", "ReadWriteOncePod"]), {})} == {"one node"}
	every mode in ["ReadWriteMany", "ReadOnlyMany"] {
		answers(pod({}), claims([mode]), {}) == set()
		answers(pod({}), claims(["ReadWriteOnce", mode]), {}) == set()
	}
}

test_one_pod_shares_nothing if {
	answers(pod({"scale": scale(1, 1)}), claims(["ReadWriteOnce"]), {}) == set()
	answers(pod({"scale": scale(1, 1)}), {}, {}) == set()
	answers(build.pod({"spec": pod({}).spec}), claims(["ReadWriteOnce"]), {}) == set()
}

test_groups_and_autoscalers_count if {
	{v.detail.pods | some v in answers(pod({"scale": scale(1, 4)}), claims(["ReadWriteOnce"]), {})} == {4}
	scaled := object.union(claims(["ReadWriteOnce"]), {"autoscalers": [{"pods": null, "min": 1, "max": 3}]})
	{v.detail.pods | some v in answers(pod({"scale": scale(1, 1)}), scaled, {})} == {3}
}

test_an_autoscaler_of_a_gpu_service_may_not_be_visible if {
	one := pod({"scale": scale(1, 1), "gpu": build.gpu_of("nvidia.com/gpu", "nvidia", 1)})
	{v.unknown | some v in answers(one, claims(["ReadWriteOnce"]), {})} == {"whether an autoscaler adds replicas is not visible here"}
	answers(one, claims(["ReadWriteMany"]), {}) == set()
	answers(one, object.union(claims(["ReadWriteOnce"]), {"autoscalers": []}), {}) == set()
}

test_a_claim_that_is_not_visible_is_undecided if {
	every context in [{}, {"volumeclaims": {}}] {
		{v.unknown | some v in answers(pod({}), context, {})} == {"the access modes of claim llm are not visible here"}
	}
}

test_what_a_controller_made_is_judged_there if {
	answers(pod({}), claims(["ReadWriteOnce"]), {"workload": {"controlled": true}}) == set()
	answers(pod({}), claims(["ReadWriteOnce"]), {"workload": {"role": "runtime"}}) == set()
}
