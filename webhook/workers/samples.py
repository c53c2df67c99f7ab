"""Metrics of several processes as those of one, exact even when one of them is killed.

Workers count in files that they share with the supervisor (prometheus_client's multiprocess mode,
https://prometheus.github.io/client_python/multiprocess/), in memory where the system has a place
for it. A count is there as soon as it is made, so that ``kill -9`` loses none, and the worker that
follows goes on in the same files, so that no counter ever goes down. Gauges are the supervisor's:
it alone does what they tell of.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder to workers; prometheus_client's own."""
BYTES_OF_A_WORKER = 4 << 20
"""Most that one counts: ten thousand series by namespace (``webhook.metrics``), 320 bytes each."""
_PREFIX = "karb-guard-metrics-"
_LOCK = ".lock"
_SUMMED = frozenset({"counter", "histogram"})

_Labels = frozenset[tuple[str, str]]


@contextlib.contextmanager
def directory(count: int, parents: Sequence[Path] = ()) -> Iterator[Path]:
    """A folder for the files of ``count`` workers while the context lasts.

    ``parents``: where to make it, the first that has room, else the last; by default ``/dev/shm``,
    else the folder of temporary files. What others left there that were killed is removed.
    """
    places = parents or (Path("/dev/shm"), Path(tempfile.gettempdir()))  # noqa: S108
    for each in places:
        _remove_left_over(each)
    parent = next((each for each in places if _has_room(each, count)), places[-1])
    new = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=parent))
    with (new / _LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = new.rename(parent / new.name.removeprefix("."))  # locked before others look for it
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)


def _has_room(parent: Path, count: int) -> bool:
    # A file in memory that can't grow any more ends whoever counts in it (SIGBUS).
    if not (parent.is_dir() and os.access(parent, os.W_OK | os.X_OK)):
        return False
    return shutil.disk_usage(parent).free >= count * BYTES_OF_A_WORKER


def _remove_left_over(parent: Path) -> None:
    for found in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError), (found / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held while its owner lives
            shutil.rmtree(found, ignore_errors=True)


def count_as(number: int) -> None:
    """Make what is counted from now on that of worker ``number``, also by its predecessors.

    To be called before the first metric is made. The folder is the environment's.
    """
    # The mode is chosen by prometheus_client when it is imported, by the same variable; its
    # default is a file for each process, which would grow with every restart.
    made = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]
    values.ValueClass = made


def render(registry: CollectorRegistry, folder: Path) -> bytes:
    """``registry`` and what the workers of ``folder`` counted, summed, as text for Prometheus."""
    files = [
        file
        for kind in sorted(_SUMMED)
        for file in glob.glob(str(folder / f"{glob.escape(kind)}_*.db"))  # noqa: PTH207
    ]
    merged: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
    counted = {metric.name: metric for metric in merged}
    families = [_summed(own, counted.get(own.name)) for own in registry.collect()]
    return generate_latest(_Families(families))


def _summed(own: Metric, theirs: Metric | None) -> Metric:
    if theirs is None or own.type not in _SUMMED:
        return own
    more: dict[tuple[str, _Labels], float] = {
        (sample.name, frozenset(sample.labels.items())): sample.value for sample in theirs.samples
    }
    made = Metric(own.name, own.documentation, own.type)
    for sample in own.samples:
        key = (sample.name, frozenset(sample.labels.items()))
        made.samples.append(sample._replace(value=sample.value + more.pop(key, 0.0)))
    for (name, labels), value in more.items():
        made.add_sample(name, dict(sorted(labels)), value)
    return made


class _Families:
    """A registry of what was collected already."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families
