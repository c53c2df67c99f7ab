"""A memory-backed /dev/shm for several GPUs, as ``st-shm`` asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from karb_guard.mutation.changes import Change, Kind, Subject, is_windows
from karb_guard.mutation.options import MutationOptions

NAME = "karb-shm"
MOUNT_PATH = "/dev/shm"  # noqa: S108 - the path in containers, no file of ours
_MIB_MILLI = 2**20 * 1000
_LEAST_MIB = 65
"""A container runtime gives 64 MiB by itself."""
_WHOLE = frozenset({"device", "claimed"})
_SINGLE_PROCESS = frozenset({"google", "aws"})
"""One process drives all chips of a TPU or Neuron container."""

View = Mapping[str, Any]


def shared_memory(subject: Subject, options: MutationOptions) -> Iterator[Change]:
    """A volume, and a mount in every container that has nothing at /dev/shm.

    In every one, because today they share the sandbox's: a sidecar that speaks through it must not
    lose the server. The size is at most half of the smallest memory limit concerned, since what is
    in there is charged to it.
    """
    pod = subject.pod
    if not options.shared_memory_milli or is_windows(subject) or pod["spec"].get("hostIPC"):
        return
    bare = [c for c in pod["containers"] if c["role"] != "ephemeral" and not _mounts(c)]
    several = [c for c in pod["containers"] if _gpus_milli(c) >= 2000]
    known = _volume(pod)
    if not bare or not several or (known is None and not any(c in bare for c in several)):
        return
    mebibytes = _size_mib(pod, several, options.shared_memory_milli)
    if known is None and mebibytes < _LEAST_MIB:
        return
    if known is None:
        known = _free_name(pod)
        yield _added_volume(pod, known, f"{mebibytes}Mi")
    for container in bare:
        yield Change(
            Kind.SHARED_MEMORY,
            (*container["path"], "volumeMounts"),
            {"name": known, "mountPath": MOUNT_PATH},
            container["name"],
            f"container {container['name']} mounts nothing at {MOUNT_PATH}",
            append=True,
        )


def _added_volume(pod: View, name: str, size: str) -> Change:
    return Change(
        Kind.SHARED_MEMORY,
        (*pod["path"], "volumes"),
        {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": size}},
        size,
        "a container has several GPUs and the 64 MiB of /dev/shm that every container gets",
        append=True,
    )


def _mounts(container: View) -> bool:
    mounts = container["spec"].get("volumeMounts") or ()
    return any((m.get("mountPath") or "").rstrip("/") == MOUNT_PATH for m in mounts)


def _gpus_milli(container: View) -> int:
    return sum(
        gpu["limit"] or gpu["request"] or 0
        for gpu in container["gpus"]
        if gpu["form"] in _WHOLE and gpu["vendor"] not in _SINGLE_PROCESS
    )


def _size_mib(pod: View, several: Sequence[View], wanted_milli: int) -> int:
    limits = [wanted_milli, *(_limit(pod, container) // 2 for container in several)]
    return min(limit for limit in limits if limit > 0) // _MIB_MILLI


def _limit(pod: View, container: View) -> int:
    """Memory that the container may take, in milli-bytes; 0: not bounded."""
    own: int = container["limits"].get("memory") or 0
    whole: int = pod["podResources"]["limits"].get("memory") or 0
    return own or whole


def _volume(pod: View) -> str | None:
    """The volume that an earlier round added: another webhook's container came after it.

    Ours is bounded; one of that name without a bound is somebody else's.
    """
    for volume in pod["spec"].get("volumes") or ():
        claimed = volume.get("emptyDir") or {}
        if volume.get("name") == NAME and claimed.get("medium") == "Memory":
            return NAME if claimed.get("sizeLimit") else None
    return None


def _free_name(pod: View) -> str:
    taken = {volume.get("name") for volume in pod["spec"].get("volumes") or ()}
    return next(
        n for n in (NAME, *(f"{NAME}-{i}" for i in range(len(taken) + 1))) if n not in taken
    )
