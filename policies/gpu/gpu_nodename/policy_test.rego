package karb.gpu.gpu_nodename_test

import data.karb.gpu.gpu_nodename
import data.karb.lib.build

nvidia := build.gpu_of("nvidia.com/gpu", "nvidia", 1)

answers(pod, changes) := found if {
	named := object.union({"gpu": nvidia, "spec": {"nodeName": "gpu-1"}}, pod)
	document := object.union(build.document({"gpu-nodename": {}}, [build.pod(named)]), changes)
	found := gpu_nodename.violations with input as document
}

bare(role, metadata) := {"workload": {"kind": "Pod", "group": "", "role": role}, "object": {"metadata": metadata}}

test_a_template_is_reported if {
	answers({}, {}) == {{
		"check": "named",
		"path": ["spec", "template", "spec", "nodeName"],
		"detail": {"nodeName": "gpu-1", "resources": ["nvidia.com/gpu"]},
	}}
}

test_no_name_passes if {
	answers({"spec": {"nodeName": ""}}, {}) == set()
	document := build.document({"gpu-nodename": {}}, [build.pod({"gpu": nvidia})])
	found := gpu_nodename.violations with input as document
	found == set()
}

test_a_stored_pod_was_bound if {
	answers({}, bare("pod", {"resourceVersion": "7"})) == set()
	count(answers({}, bare("pod", {"uid": "a"}))) == 1
	count(answers({}, bare("pod", {"resourceVersion": ""}))) == 1
}

test_a_stored_controller_was_written if {
	count(answers({}, {"object": {"metadata": {"resourceVersion": "7"}}})) == 1
}

test_pods_of_daemonsets_and_nodes_stay_where_they_are if answers({}, bare("system", {})) == set()

test_a_cpu_pod_may if answers({"gpu": build.pod({}).gpu}, {}) == set()

test_an_unresolved_claim_leaves_it_undecided if {
	unresolved := object.union(build.pod({}).gpu, {"unknown": "ResourceClaim x is not visible here"})
	{v.unknown | some v in answers({"gpu": unresolved}, {})} == {"ResourceClaim x is not visible here"}
}
