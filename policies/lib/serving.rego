# Which pods serve, with which containers, and how many of them there are.
package karb.lib.serving

import data.karb.lib.gpu

# Defined for pods that serve with a GPU, or may: `{}`, or `{"unknown": why}`. A bare Pod serves if
# it runs until told otherwise and something may call or probe it. What a kind that nobody knows is
# for can't be told, nor what runs on a bare Ray cluster.
gpu_server(pod) := object.union(kind_doubt, gpu.user(pod)) if serves(pod)

# The pods that `gpu_server` is defined for, each with its index and what `gpu_server` says. A rule:
# it is worked out once for all invariants.
gpu_servers := [[index, pod, object.union(kind_doubt, certainty)] |
	some [index, pod, certainty] in gpu.users
	serves(pod)
]

serves(pod) if {
	input.workload.role == "serving"
	not pod.labels["notebook-name"] # of what a Notebook makes: a person works in it
}

serves(pod) if {
	input.workload.role == "pod"
	pod.spec.restartPolicy == "Always"
	some container in pod.containers
	shows(container)
}

shows(container) if count(container.spec.ports) > 0 # an API server stores no empty list

shows(container) if {
	some probe in ["readinessProbe", "livenessProbe", "startupProbe"]
	container.spec[probe]
}

kind_doubt := {"unknown": "what this kind is for, and what its operator adds, is not known"} if {
	input.workload.discovered
} else := {"unknown": "whether this Ray cluster serves or trains is not visible here"} if {
	input.workload.kind == "RayCluster"
	not serves_with_ray
} else := {}

# Ray Serve's port, a probe of something that answers, or an objective.
serves_with_ray if {
	some pod in input.pods
	some container in pod.containers
	answers(container)
}

serves_with_ray if {
	some pod in input.pods
	some objective in ["p95-latency", "error-rate", "cold-start"]
	pod.slo[objective]
}

answers(container) if container.spec.readinessProbe.httpGet

answers(container) if {
	some port in container.spec.ports
	port.containerPort == 8000
}

answers(container) if {
	some port in container.spec.ports
	port.name == "serve"
}

# The containers that hold the GPU; where that can't be told (a claim, an annotation), all that run
# beside one another.
servers(pod) := holders if {
	holders := [container | some container in running(pod); holds(container)]
	count(holders) > 0
} else := running(pod)

running(pod) := [container | some container in pod.containers; container.role in {"main", "sidecar"}]

holds(container) if object.get(container, "devices", 0) != 0

# A workload of replicas that nothing else stands for: the ReplicaSet of a Deployment and the Pods
# of either have the Deployment.
replicated if {
	input.workload.role == "serving"
	input.workload.kind != "Pod"
	not input.workload.controlled
}

# In a group (LeaderWorkerSet, a multi-node server) the clients talk to the leader.
worker(pod) if pod.labels["leaderworkerset.sigs.k8s.io/worker-index"] != "0"

worker(pod) if {
	"workerTemplate" in pod.path
	count(input.pods) > 1
}

# The autoscalers of one template, as far as they are visible.
autoscalers(index) := [scaler |
	some scaler in object.get(input.context, "autoscalers", [])
	scales(scaler, index)
]

scales(scaler, _) if scaler.pods == null

scales(scaler, index) if index in scaler.pods

# What it means that no autoscaler is visible.
absence := {"unknown": "what scales this workload is not known here"} if {
	not input.context.autoscalers
} else := {"unknown": "the operator of this kind may scale it by means that are not visible here"} if {
	input.workload.kind in {"LLMInferenceService", "DynamoGraphDeployment", "DynamoComponentDeployment", "StormService"}
} else := {}

# The most and the fewest pods (or groups) that the template is meant to have; undefined where its
# kind has no count and nothing visible sets one. An unlimited autoscaler counts by its least.
most(index, pod) := max(array.concat(
	[pod.scale.replicas | pod.scale],
	[ceiling(scaler) | some scaler in autoscalers(index)],
))

ceiling(scaler) := scaler.max if {
	is_number(scaler.max)
} else := scaler.min

least(index, pod) := min([scaler.min | some scaler in autoscalers(index)]) if {
	count(autoscalers(index)) > 0
} else := pod.scale.replicas

# What to call the workload's count in paths: where `replicas` is written, or belongs.
scale_path(pod) := pod.scale.path if {
	pod.scale
} else := ["spec"]
