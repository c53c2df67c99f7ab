package karb.resources.res_gpu_cap

import data.karb.lib.serving

# The devices that all pods of the object may have together, claimed ones too.
everything := sum([n | some index, pod in input.pods; n := copies(index, pod) * together(pod, devices)])

devices := {container.path: n | some container in input.pods[_].containers; n := container.devices; is_number(n)}

# Resource to the quantity of it that they may request together.
requested[resource] := sum([n | some index, pod in input.pods; n := copies(index, pod) * together(pod, amounts)]) if {
	some resource in {gpu.resource | some gpu in input.pods[_].containers[_].gpus}
	amounts := {container.path: amount |
		some container in input.pods[_].containers
		some gpu in container.gpus
		gpu.resource == resource
		amount := gpu.request / 1000
	}
}

# Of the amounts by container, those that a pod has at once: init containers run before the others
# and give back what they had.
together(pod, amounts) := max(array.concat(
	[sum([amount | some container in serving.running(pod); amount := amounts[container.path]])],
	[amount | some container in pod.containers; container.role == "init"; amount := amounts[container.path]],
))

uncounted(pod) if {
	some container in pod.containers
	container.devices == null
}

uncounted(pod) if count([container | some container in pod.containers; container.devices]) == 0

copies(index, pod) := most(index, pod) * object.get(pod, ["scale", "size"], 1)

most(index, pod) := serving.most(index, pod)

most(index, pod) := 1 if not serving.most(index, pod)

replicas := max([most(index, pod) | some index, pod in input.pods; user(pod)])
