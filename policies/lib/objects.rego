# What pod policies read of the object itself. Each reference names the field in full: the embedded
# engine leaves the names of pods out of what it asks where no policy could read them, and finds that
# in the references (`opa deps`). `object.get(input.object, ...)` reads everything, as far as it sees.
package karb.lib.objects

default namespace := ""

namespace := input.object.metadata.namespace

# For messages.
default shown_namespace := "(not set)"

shown_namespace := input.object.metadata.namespace

default annotations := {}

annotations := input.object.metadata.annotations

default slo_keys := {}

slo_keys := input.sloKeys
