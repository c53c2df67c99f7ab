# GPU services, which owe metrics.
package karb.lib.metrics

import data.karb.lib.serving

# The pods that serve on a GPU, or may do so, each with what that is not certain for; the Pods of a
# group's workers answer nobody.
services := [[pod, certainty] |
	some [_, pod, certainty] in serving.gpu_servers
	object.get(pod.labels, "leaderworkerset.sigs.k8s.io/worker-index", "0") == "0"
]

# The container that holds the GPU; the first where it belongs to none in particular.
server(pod) := serving.servers(pod)[0]
