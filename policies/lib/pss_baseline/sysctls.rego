package karb.lib.pss_baseline

violations contains v if {
	some pod in input.pods
	some i, sysctl in pod.spec.securityContext.sysctls
	name := object.get(sysctl, "name", "")
	not safe(name)
	v := {
		"check": "sysctls",
		"path": array.concat(pod.path, ["securityContext", "sysctls", i, "name"]),
		"detail": {"sysctl": name},
	}
}

safe(name) if since[name] <= minor

# Safe sysctl -> the minor version since which the standard allows it.
since := {
	"kernel.shm_rmid_forced": 0,
	"net.ipv4.ip_local_port_range": 0,
	"net.ipv4.ip_unprivileged_port_start": 0,
	"net.ipv4.ping_group_range": 0,
	"net.ipv4.tcp_syncookies": 0,
	"net.ipv4.ip_local_reserved_ports": 27,
	"net.ipv4.tcp_fin_timeout": 29,
	"net.ipv4.tcp_keepalive_intvl": 29,
	"net.ipv4.tcp_keepalive_probes": 29,
	"net.ipv4.tcp_keepalive_time": 29,
	"net.ipv4.tcp_rmem": 32,
	"net.ipv4.tcp_wmem": 32,
	"net.ipv4.tcp_notsent_lowat": 37,
	"net.ipv4.tcp_slow_start_after_idle": 37,
}
