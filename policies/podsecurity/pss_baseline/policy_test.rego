package karb.podsecurity.pss_baseline_test

import data.karb.lib.build
import data.karb.podsecurity.pss_baseline

answers(pod) := found if {
	found := pss_baseline.violations with input as build.document({"pss-baseline": {}}, [build.pod(pod)])
}

of_pod(spec) := found if {
	found := {[answer.check, array.slice(answer.path, 3, 9), answer.detail] | some answer in answers({"spec": spec})}
}

of_container(spec) := {[answer.check, array.slice(answer.path, 5, 11), answer.detail] |
	some answer in answers({"containers": [build.container({"spec": spec})]})
}

of_context(context) := of_container({"securityContext": context})

test_nothing_set_passes if count(answers({"containers": [build.container({})]})) == 0

test_privileged if {
	of_context({"privileged": true}) == {["privileged", ["securityContext", "privileged"], {"container": "server"}]}
	of_context({"privileged": false}) == set()
}

test_host_namespaces if {
	every field in ["hostNetwork", "hostPID", "hostIPC"] {
		of_pod({field: true}) == {["hostNamespaces", [field], {"field": field}]}
		of_pod({field: false}) == set()
	}
}

test_host_path if {
	of_pod({"volumes": [{"name": "a", "emptyDir": {}}, {"name": "sock", "hostPath": {"path": "/run"}}]}) == {[
		"hostPathVolumes", ["volumes", 1, "hostPath"], {"volume": "sock", "hostPath": "/run"},
	]}
	of_pod({"volumes": [{"name": "a", "hostPath": null}]}) == set()
}

test_host_ports if {
	of_container({"ports": [{"containerPort": 1}, {"containerPort": 2, "hostPort": 80}, {"hostPort": 0}]}) == {[
		"hostPorts", ["ports", 1, "hostPort"], {"container": "server", "port": 80},
	]}
}

test_hosts_of_probes_and_handlers if {
	of_container({"readinessProbe": {"httpGet": {"host": "h"}}}) == {[
		"hostProbesAndHostLifecycle", ["readinessProbe", "httpGet", "host"],
		{"container": "server", "handler": "readinessProbe", "host": "h"},
	]}
	of_container({"lifecycle": {"preStop": {"tcpSocket": {"host": "h"}}}}) == {[
		"hostProbesAndHostLifecycle", ["lifecycle", "preStop", "tcpSocket", "host"],
		{"container": "server", "handler": "lifecycle.preStop", "host": "h"},
	]}
	of_container({"livenessProbe": {"httpGet": {"host": "", "port": 1}}, "startupProbe": null}) == set()
}

test_capabilities if {
	of_context({"capabilities": {"add": ["CHOWN", "SYS_ADMIN", "NET_RAW"]}}) == {
		["capabilities_baseline", ["securityContext", "capabilities", "add", 1], {"container": "server", "capability": "SYS_ADMIN"}],
		["capabilities_baseline", ["securityContext", "capabilities", "add", 2], {"container": "server", "capability": "NET_RAW"}],
	}
}

test_app_armor if {
	of_context({"appArmorProfile": {"type": "Unconfined"}}) == {[
		"appArmorProfile", ["securityContext", "appArmorProfile", "type"],
		{"setter": "container server", "value": "Unconfined"},
	]}
	of_pod({"securityContext": {"appArmorProfile": {"type": "Unconfined"}}}) == {[
		"appArmorProfile", ["securityContext", "appArmorProfile", "type"],
		{"setter": "the pod", "value": "Unconfined"},
	]}
	of_context({"appArmorProfile": {"type": "Localhost"}}) == set()
	of_context({"appArmorProfile": null}) == set()
}

annotation := "container.apparmor.security.beta.kubernetes.io/server"

test_app_armor_annotation if {
	answers({"annotations": {annotation: "unconfined"}}) == {{
		"check": "appArmorProfile",
		"path": ["spec", "template", "metadata", "annotations", annotation],
		"detail": {"setter": concat(" ", ["annotation", annotation]), "value": "unconfined"},
	}}
	every value in ["", "runtime/default", "localhost/x"] {
		count(answers({"annotations": {annotation: value}})) == 0
	}
}

test_seccomp if {
	of_context({"seccompProfile": {"type": "Unconfined"}}) == {[
		"seccompProfile_baseline", ["securityContext", "seccompProfile", "type"],
		{"setter": "container server", "value": "Unconfined"},
	]}
	of_context({"seccompProfile": {"type": "RuntimeDefault"}}) == set()
}

# The newest version reads the field only.
test_seccomp_annotation_is_history if {
	count(answers({"annotations": {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}})) == 0
}

test_selinux if {
	of_context({"seLinuxOptions": {"type": "spc_t", "user": "u", "level": "s0"}}) == {
		["seLinuxOptions", ["securityContext", "seLinuxOptions", "type"], {"setter": "container server", "field": "type", "value": "spc_t"}],
		["seLinuxOptions", ["securityContext", "seLinuxOptions", "user"], {"setter": "container server", "field": "user", "value": "u"}],
	}
	of_context({"seLinuxOptions": {"type": "container_engine_t", "role": ""}}) == set()
}

test_proc_mount_needs_a_user_namespace if {
	unmasked := [build.container({"spec": {"securityContext": {"procMount": "Unmasked"}}})]
	{answer.check | some answer in answers({"containers": unmasked})} == {"procMount"}
	count(answers({"containers": unmasked, "spec": {"hostUsers": false}})) == 0
	of_context({"procMount": "Default"}) == set()
}

test_sysctls if {
	safe := {"name": "net.ipv4.tcp_notsent_lowat", "value": "1"}
	of_pod({"securityContext": {"sysctls": [safe, {"name": "kernel.msgmax", "value": "1"}]}}) == {[
		"sysctls", ["securityContext", "sysctls", 1, "name"], {"sysctl": "kernel.msgmax"},
	]}
}

test_windows_host_process if {
	of_context({"windowsOptions": {"hostProcess": true}}) == {[
		"windowsHostProcess", ["securityContext", "windowsOptions", "hostProcess"], {"setter": "container server"},
	]}
	of_context({"windowsOptions": {"hostProcess": false}}) == set()
}

test_every_role_counts if {
	containers := [build.container({"role": role, "name": role, "spec": {"securityContext": {"privileged": true}}}) |
		some role in ["main", "init", "sidecar", "ephemeral"]
	]
	count(answers({"containers": containers})) == 4
}

# The checks of a pod that breaks everything that a version changed.
checks_at(version) := checks(answers_with({"version": version}, {}))

checks(found) := {answer.check | some answer in found}

answers_with(params, context) := found if {
	document := object.union(build.document({"pss-baseline": params}, [changing]), {"context": context})
	found := pss_baseline.violations with input as document
}

changing := build.pod({
	"annotations": {"container.seccomp.security.alpha.kubernetes.io/server": "unconfined"},
	"spec": {"hostUsers": false, "securityContext": {"sysctls": [{"name": "net.ipv4.tcp_rmem"}]}},
	"containers": [build.container({"spec": {
		"livenessProbe": {"tcpSocket": {"host": "h"}},
		"securityContext": {
			"procMount": "Unmasked",
			"seLinuxOptions": {"type": "container_engine_t"},
			"seccompProfile": {"type": "Unconfined"},
		},
	}})],
})

test_versions if {
	checks_at("v1.0") == {"procMount", "seLinuxOptions", "seccompProfile_baseline", "sysctls"}
	checks_at("v1.31") == {"procMount", "seccompProfile_baseline", "sysctls"}
	checks_at("v1.32") == {"procMount", "seccompProfile_baseline"}
	checks_at("v1.34") == {"hostProbesAndHostLifecycle", "procMount", "seccompProfile_baseline"}
	checks_at("v1.35") == {"hostProbesAndHostLifecycle", "seccompProfile_baseline"}
	checks_at("v1.1000") == checks_at("latest")
}

test_seccomp_annotations_before_v1_19 if {
	"annotations" in paths("v1.18")
	not "securityContext" in paths("v1.18")
	not "annotations" in paths("v1.19")
	"securityContext" in paths("v1.19")
}

paths(version) := {step |
	some answer in answers_with({"version": version}, {})
	answer.check == "seccompProfile_baseline"
	some step in answer.path
}

labelled(labels) := checks(answers_with(
	{"version": "v1.31", "namespaceLabels": true},
	{"namespace": {"name": "inference", "labels": labels}},
))

level(value) := {"pod-security.kubernetes.io/enforce": value}

at(value) := {"pod-security.kubernetes.io/enforce-version": value}

test_labels_decide if {
	labelled(level("privileged")) == set()
	labelled(level("baseline")) == checks_at("v1.31")
	labelled(level("none-such")) == checks_at("v1.31")
	labelled({}) == checks_at("v1.31")
	labelled(at("v1.34")) == checks_at("v1.34")
	labelled(object.union(level("restricted"), at("v1.0"))) == checks_at("v1.0")
}

test_a_version_that_is_none_is_latest if {
	every version in ["1.0", "v1", "v1.", "v1.00", "v1.-1", "v1.1e1", "v1.1.1", "v2.0", "", "V1.0", "v1. 1"] {
		labelled(at(version)) == checks_at("latest")
	}
}

test_labels_that_are_not_known_decide_nothing if {
	found := answers_with({"version": "latest", "namespaceLabels": true}, {})
	count(found) == 1
	every answer in found {
		is_string(answer.unknown)
	}
	count(answers_with({"version": "latest", "namespaceLabels": false}, {})) > 1
}
