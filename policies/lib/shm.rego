# Shared memory of containers with more than one GPU.
package karb.lib.shm

# Forms that count whole devices: memory, cores and slices of one are no second GPU.
devices := {"device", "claimed"}

# One process drives all chips of a TPU or Neuron container.
single_process := {"google", "aws"}

# How many GPUs a container asks for; defined where there are several.
several(container) := gpus if {
	count(container.gpus) > 0
	gpus := sum([quantity(each) | some each in container.gpus; counts(each)]) / 1000
	gpus >= 2
}

counts(gpu) if {
	gpu.form in devices
	not gpu.vendor in single_process
}

quantity(gpu) := gpu.limit if {
	is_number(gpu.limit)
} else := gpu.request if {
	is_number(gpu.request)
} else := 0

# The container's mounts at /dev/shm, each with its index.
mounts(container) := [[i, mount] |
	some i, mount in container.spec.volumeMounts
	trim_right(mount.mountPath, "/") == "/dev/shm"
]

# Names of the pod's volumes that are the shared memory of a container with several GPUs.
volumes(pod) := {mount.name |
	some container in pod.containers
	several(container)
	some [_, mount] in mounts(container)
}
