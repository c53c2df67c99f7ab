"""A CPU request for each GPU, as ``res-cpu-req`` asks for it."""

from __future__ import annotations

from collections.abc import Iterator

from karb_guard.mutation.changes import Change, Kind, Subject
from karb_guard.mutation.options import MutationOptions


def cpu_request(subject: Subject, options: MutationOptions) -> Iterator[Change]:
    """A request for each container with GPUs that names no CPU at all.

    Not beside a limit (the request follows it by default) and not where the Pod as a whole names
    CPU, which covers its containers.
    """
    pod = subject.pod
    if not options.cpu_per_gpu_milli or any("cpu" in part for part in pod["podResources"].values()):
        return
    for container in pod["containers"]:
        gpus = container.get("devices")
        named = "cpu" in container["requests"] or "cpu" in container["limits"]
        if gpus and not named and container["role"] != "ephemeral":
            amount = _cpu(options.cpu_per_gpu_milli * gpus)
            yield Change(
                Kind.CPU_REQUEST,
                (*container["path"], "resources", "requests", "cpu"),
                amount,
                f"{container['name']}={amount}",
                f"container {container['name']} has {gpus} GPUs and requests no CPU",
            )


def _cpu(milli: int) -> str:
    return f"{milli}m" if milli % 1000 else str(milli // 1000)
