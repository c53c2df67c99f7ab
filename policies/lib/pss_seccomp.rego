# Seccomp profiles that leave the runtime's filter, or one chosen on the node, in place.
package karb.lib.pss_seccomp

allowed_types := {"RuntimeDefault", "Localhost"}
