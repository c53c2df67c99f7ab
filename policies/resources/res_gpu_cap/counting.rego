package karb.resources.res_gpu_cap

import data.karb.lib.serving

# Resource to the devices of it that all pods of the object may take together.
totals[resource] := sum([n | some index, pod in input.pods; n := copies(index, pod) * devices(pod, resource)]) if {
	some resource in {name | some pod in input.pods; some name in countable(pod)}
}

# HAMi's shares of a GPU are no devices.
countable(pod) := {gpu.resource |
	some gpu in pod.containers[_].gpus
	not startswith(gpu.resource, "nvidia.com/gpumem")
	gpu.resource != "nvidia.com/gpucores"
}

# Init containers run before the others and give back what they had.
devices(pod, resource) := max(array.concat(
	[sum([amount(container, resource) | some container in serving.running(pod)])],
	[amount(container, resource) | some container in pod.containers; container.role == "init"],
))

amount(container, resource) := sum([max([quantity(gpu.limit), quantity(gpu.request)]) |
	some gpu in container.gpus
	gpu.resource == resource
]) / 1000

quantity(milli) := milli if {
	is_number(milli)
} else := 0

copies(index, pod) := most(index, pod) * object.get(pod, ["scale", "size"], 1)

most(index, pod) := serving.most(index, pod)

most(index, pod) := 1 if not serving.most(index, pod)

replicas := max([most(index, pod) | some index, pod in input.pods; user(pod)])
