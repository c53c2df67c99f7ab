# Shared memory of containers with more than one GPU.
package karb.lib.shm

# Resources that count whole devices; memory, cores and slices of one are no second GPU.
devices := {
	"nvidia.com/gpu", "nvidia.com/pgpu", "amd.com/gpu", "gpu.intel.com/i915", "gpu.intel.com/xe",
	"habana.ai/gaudi", "deviceclass.resource.kubernetes.io/gpu.nvidia.com",
	"deviceclass.resource.kubernetes.io/gpu.amd.com",
}

# How many GPUs a container asks for; defined where there are several.
several(container) := gpus if {
	count(container.gpus) > 0
	gpus := sum([quantity(each) | some each in container.gpus; each.resource in devices]) / 1000
	gpus >= 2
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
