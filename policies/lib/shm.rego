# Shared memory of containers with more than one GPU.
package karb.lib.shm

# How many GPUs a container asks for; defined where there are several.
several(container) := gpus if {
	count(container.gpus) > 0
	milli := sum([quantity(each) | some each in container.gpus; counts(each)])
	milli >= 2000
	gpus := milli / 1000
}

# Forms that count whole devices: memory, cores and slices of one are no second GPU. And one process
# drives all chips of a TPU or Neuron container.
counts(gpu) if {
	gpu.form in ["device", "claimed"]
	not gpu.vendor in ["google", "aws"]
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
