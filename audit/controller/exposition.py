"""What a replica's ``/metrics`` says that a rollout needs: the text exposition format, bounded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from karb_guard.model.stage import Stage
from karb_guard.rollout.counters import CountKey, Sample

MAX_BYTES = 16 << 20
"""Of an answer: 10,000 series of 150 bytes, and everything else, several times."""
PREFIX = "karb_guard_"
_SAMPLE = re.compile(r"([a-z_]+)(?:\{(.*)\})? ([0-9.eE+-]+|NaN|[+-]Inf)$")
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


class ExpositionError(ValueError):
    """An answer that is not a webhook's; the message says what is missing."""


def read(replica: str, text: str) -> Sample:
    """One replica's sample. Raises ``ExpositionError``."""
    started: float | None = None
    problems: list[str] = []
    ready = False
    counts: dict[CountKey, int] = {}
    for name, labels, value in samples(text):
        if name == "started_timestamp_seconds":
            started = value
        elif name == "ready":
            ready = value == 1
        elif name == "break_glass" and value == 1:
            problems.append("break-glass is on")
        elif name == "namespace_findings_dropped_total" and value > 0:
            problems.append("it has more namespaces than it can count")
        elif name == "namespace_findings_total":
            key = _key(labels)
            counts[key] = counts.get(key, 0) + int(value)
    if started is None:
        raise ExpositionError(f"{PREFIX}started_timestamp_seconds is missing: an older webhook?")
    if not ready:
        problems.insert(0, "not ready")
    return Sample(replica, started, counts, ", ".join(problems))


def samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """(name without ``karb_guard_``, labels, value) of our samples; others are passed over."""
    for line in text.splitlines():
        if not line.startswith(PREFIX):
            continue
        found = _SAMPLE.match(line)
        if found is None:
            continue
        labels = dict(_LABEL.findall(found[2] or ""))
        yield found[1].removeprefix(PREFIX), labels, float(found[3])


def _key(labels: dict[str, str]) -> CountKey:
    try:
        return labels["object_namespace"], labels["invariant"], Stage(labels["stage"])
    except (KeyError, ValueError) as error:
        raise ExpositionError(f"namespace_findings_total has unknown labels: {error}") from error
