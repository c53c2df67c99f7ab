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
