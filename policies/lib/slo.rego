# Service level objectives and owners: who owes them, and under which keys they are looked for.
package karb.lib.slo

import data.karb.lib.gpu
import data.karb.lib.objects
import data.karb.lib.pods
import data.karb.lib.serving

# The pods that owe what their labels and annotations don't show, each with `{}`, or with
# `{"unknown": why}` where that is not certain. Only what serves owes: a batch job has a deadline,
# a notebook has no callers, a runtime template becomes a service by the objects that use it.
# `scope`: "all" of them, or those that use a "gpu".
owing("gpu") := gpu_owing

owing("all") := [[pod, doubt] |
	serves
	some pod in input.pods
	doubt := object.union(serving.kind_doubt, pods.pod_doubt(pod))
]

# A rule, which several invariants share.
gpu_owing := [[pod, doubt] |
	serves
	some [_, pod, certainty] in gpu.users
	doubt := object.union_n([serving.kind_doubt, certainty, pods.pod_doubt(pod)])
]

serves if input.workload.role in ["serving", "pod"]

# The key that messages ask for, and the path where it belongs. Numbers are annotations, what
# people select by is a label; the facts accept both. `input.sloKeys` has the keys where the
# prefix is not the default.
wanted(pod, name) := {"key": key, "path": path} if {
	key := object.get(objects.slo_keys, name, default_keys[name])
	path := array.concat(pod.metadataPath, [section(name), key])
}

section(name) := "labels" if {
	name in {"tier", "owner"}
} else := "annotations"

default_keys := {
	"p95-latency": "karb.dev/slo-p95-latency",
	"error-rate": "karb.dev/slo-error-rate",
	"cold-start": "karb.dev/slo-cold-start",
	"tier": "karb.dev/tier",
	"owner": "karb.dev/owner",
}
