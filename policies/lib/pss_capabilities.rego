# Linux capabilities that the baseline standard lets a container add (v1.0 and later): the
# default set of the container runtimes without NET_RAW.
package karb.lib.pss_capabilities

defaults := {
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
	"NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}
