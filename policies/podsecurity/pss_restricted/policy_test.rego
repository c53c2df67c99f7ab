package karb.podsecurity.pss_restricted_test

import data.karb.lib.build
import data.karb.podsecurity.pss_restricted

pod_context := {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}

container_context := {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}

with_context(context) := build.container({"spec": {"securityContext": context}})

answers(pod) := found if {
	found := pss_restricted.violations with input as build.document({"pss-restricted": {}}, [build.pod(pod)])
}

# A restricted pod with these changes to its own and its container's security context.
changed(of_pod, of_container) := {[answer.check, answer.detail] |
	some answer in answers({
		"spec": {"securityContext": object.union(pod_context, of_pod)},
		"containers": [with_context(object.union(container_context, of_container))],
	})
}

test_restricted_passes if changed({}, {}) == set()

test_bare_container_breaks_four if {
	{answer.check | some answer in answers({"containers": [build.container({})]})} == {
		"allowPrivilegeEscalation", "capabilities_restricted", "runAsNonRoot", "seccompProfile_restricted",
	}
}

test_bare_open_container_is_unknown if {
	found := answers({"containers": [build.container({"open": true})]})
	count(found) == 4
	every answer in found {
		is_string(answer.unknown)
	}
}

# What the pod sets may come from the runtime of its neighbour.
test_neighbour_of_an_open_container if {
	containers := [build.container({"open": true}), with_context(container_context)]
	found := answers({"containers": containers})
	every answer in found {
		is_string(answer.unknown)
	}
}

test_open_container_that_says_it_is_certain if {
	container := build.container({"open": true, "spec": {"securityContext": {
		"allowPrivilegeEscalation": true, "capabilities": {"drop": ["NET_RAW"]}, "runAsNonRoot": false, "runAsUser": 0,
	}}})
	found := answers({"containers": [container], "spec": {"securityContext": pod_context}})
	{answer.check | some answer in found; not answer.unknown} == {
		"allowPrivilegeEscalation", "capabilities_restricted", "runAsNonRoot", "runAsUser",
	}
}

test_allow_privilege_escalation if {
	changed({}, {"allowPrivilegeEscalation": true}) == {["allowPrivilegeEscalation", {"container": "server", "value": "true"}]}
	changed({}, {"allowPrivilegeEscalation": null}) == {["allowPrivilegeEscalation", {"container": "server", "value": "not set"}]}
}

test_capabilities if {
	changed({}, {"capabilities": {"drop": ["NET_RAW"]}}) == {[
		"capabilities_restricted", {"container": "server", "field": "drop", "value": ["NET_RAW"]},
	]}
	changed({}, {"capabilities": {"drop": []}}) == {[
		"capabilities_restricted", {"container": "server", "field": "drop", "value": "empty"},
	]}
	changed({}, {"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}) == set()
	changed({}, {"capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}}) == {[
		"capabilities_restricted", {"container": "server", "field": "add", "value": "CHOWN"},
	]}
}

test_what_baseline_reports_is_left_to_it if {
	changed({}, {"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}) == set()
	changed({"seccompProfile": {"type": "Unconfined"}}, {}) == set()
	changed({}, {"seccompProfile": {"type": "Unconfined"}}) == set()
	changed({}, {"procMount": "Unmasked"}) == set()
	count(volumes([{"name": "a", "hostPath": {"path": "/"}}])) == 0
}

volumes(list) := {[answer.path, answer.detail] |
	some answer in answers({"spec": {"volumes": list}})
}

test_volumes if {
	volumes([{"name": "weights", "nfs": {"server": "s", "path": "/"}}]) == {[
		["spec", "template", "spec", "volumes", 0, "nfs"], {"volume": "weights", "type": "nfs"},
	]}
	volumes([{"name": "new", "notYetInvented": {}}]) == {[
		["spec", "template", "spec", "volumes", 0, "notYetInvented"], {"volume": "new", "type": "notYetInvented"},
	]}
	every type in ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"] {
		count(volumes([{"name": "a", type: {}}])) == 0
	}
	count(volumes([{"name": "becomes-an-empty-dir", "emptyDir": null}])) == 0
}

test_run_as_non_root if {
	changed({"runAsNonRoot": false}, {"runAsNonRoot": true}) == {["runAsNonRoot", {"setter": "the pod", "value": "false"}]}
	changed({"runAsNonRoot": false}, {}) == {["runAsNonRoot", {"setter": "the pod", "value": "false"}]}
	changed({}, {"runAsNonRoot": false}) == {["runAsNonRoot", {"setter": "container server", "value": "false"}]}
	changed({"runAsNonRoot": null}, {}) == {["runAsNonRoot", {"setter": "container server", "value": "not set"}]}
	changed({"runAsNonRoot": null}, {"runAsNonRoot": true}) == set()
}

test_run_as_user if {
	changed({"runAsUser": 0}, {}) == {["runAsUser", {"setter": "the pod"}]}
	changed({"runAsUser": 1000}, {"runAsUser": 0}) == {["runAsUser", {"setter": "container server"}]}
}

test_seccomp if {
	changed({"seccompProfile": null}, {}) == {["seccompProfile_restricted", {"container": "server"}]}
	changed({"seccompProfile": null}, {"seccompProfile": {"type": "Localhost"}}) == set()
}

test_user_namespace if {
	found := answers({
		"spec": {"hostUsers": false, "securityContext": {"runAsUser": 0, "runAsNonRoot": false, "seccompProfile": {"type": "RuntimeDefault"}}},
		"containers": [with_context(object.union(container_context, {"procMount": "Unmasked", "runAsUser": 0}))],
	})
	{answer.check | some answer in found} == {"procMount_restricted"}
}

test_windows_needs_no_linux_fields if {
	context := {"runAsNonRoot": true, "capabilities": {"add": ["CHOWN"]}, "allowPrivilegeEscalation": true}
	count(answers({"os": "windows", "containers": [with_context(context)]})) == 0
	{answer.check | some answer in answers({"os": "windows", "containers": [build.container({})]})} == {"runAsNonRoot"}
}

# The checks of a pod at a version, and with a namespace.
checks_at(version, pod) := checks({"version": version}, pod, {})

checks(params, pod, context) := {answer.check | some answer in found} if {
	document := object.union(build.document({"pss-restricted": params}, [build.pod(pod)]), {"context": context})
	found := pss_restricted.violations with input as document
}

root := {
	"spec": {"hostUsers": false},
	"containers": [with_context({"runAsUser": 0, "procMount": "Unmasked"})],
}

test_versions if {
	checks_at("v1.7", root) == {"runAsNonRoot"}
	checks_at("v1.8", root) == {"allowPrivilegeEscalation", "runAsNonRoot"}
	checks_at("v1.19", root) == {"allowPrivilegeEscalation", "runAsNonRoot", "seccompProfile_restricted"}
	checks_at("v1.22", root) == checks_at("v1.19", root) | {"capabilities_restricted"}
	checks_at("v1.34", root) == checks_at("v1.22", root) | {"runAsUser"}
	checks_at("v1.35", root) == (checks_at("v1.22", root) - {"runAsNonRoot"}) | {"procMount_restricted"}
}

test_windows_since_v1_25 if {
	windows := {"os": "windows", "containers": [build.container({})]}
	checks_at("v1.24", windows) == {
		"allowPrivilegeEscalation", "capabilities_restricted", "runAsNonRoot", "seccompProfile_restricted",
	}
	checks_at("v1.25", windows) == {"runAsNonRoot"}
}

test_labels_decide if {
	labelled({"pod-security.kubernetes.io/enforce": "privileged"}) == set()
	labelled({"pod-security.kubernetes.io/enforce": "baseline"}) == set()
	labelled({"pod-security.kubernetes.io/enforce": "restricted"}) == {"runAsNonRoot"}
	labelled({"pod-security.kubernetes.io/enforce": "strict"}) == {"runAsNonRoot"}
	labelled({}) == {"runAsNonRoot"}
	labelled({"pod-security.kubernetes.io/enforce-version": "v1.8"}) == checks_at("v1.8", root)
}

labelled(labels) := checks(
	{"version": "v1.7", "namespaceLabels": true}, root,
	{"namespace": {"name": "inference", "labels": labels}},
)
