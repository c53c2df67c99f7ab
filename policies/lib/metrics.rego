# GPU services, which owe metrics.
package karb.lib.metrics

import data.karb.lib.gpu

# The pods that serve on a GPU, or may do so. A bare Pod serves if it is started again when it ends;
# of a LeaderWorkerSet's group, the leader's pod does.
services := [pod | some pod in input.pods; gpu.user(pod); serves(pod)] if {
	input.workload.role in {"serving", "pod"}
} else := []

serves(_) if input.workload.role == "serving"

serves(pod) if {
	pod.spec.restartPolicy == "Always"
	object.get(pod.labels, "leaderworkerset.sigs.k8s.io/worker-index", "0") == "0"
}

# The container that holds the GPU; the first where it belongs to none in particular.
server(pod) := holders[0] if {
	holders := [container | some container in pod.containers; container.role == "main"; count(container.gpus) > 0]
} else := mains[0] if {
	mains := [container | some container in pod.containers; container.role == "main"]
}
