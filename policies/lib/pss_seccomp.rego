# Seccomp profiles that leave the runtime's filter, or one chosen on the node, in place.
package karb.lib.pss_seccomp

allowed_type("RuntimeDefault")

allowed_type("Localhost")

# Their names in annotations, before v1.19; docker/default was the runtime's filter, too.
allowed_annotation(value) if value in {"runtime/default", "docker/default"}

allowed_annotation(value) if startswith(value, "localhost/")
