package karb.lib.pss_baseline

violations contains v if {
	some pod in input.pods
	some i, sysctl in pod.spec.securityContext.sysctls
	name := object.get(sysctl, "name", "")
	not name in safe
	v := {
		"check": "sysctls",
		"path": array.concat(pod.path, ["securityContext", "sysctls", i, "name"]),
		"detail": {"sysctl": name},
	}
}

# Each line came with a version of the standard: v1.0, v1.27, v1.29, v1.32, v1.37.
safe := {
	"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
	"net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
	"net.ipv4.ip_local_reserved_ports",
	"net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout",
	"net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
	"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
	"net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat",
}
