"""Mutations of manifests: what real people and hostile ones get wrong.

Each takes one place of an object and puts something else there: another type, null, a bad
quantity, a neighbour's value, nothing at all. The same seed gives the same mutation.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

WRONG: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    2**40,
    2**70,
    "",
    "x",
    "nvidia.com/gpu",
    "ünï\u0000\u2028",
    [],
    {},
    [None],
    [{}],
    {"name": None},
    ["a", 1],
)
QUANTITIES: tuple[Any, ...] = (
    "1", "0", "-1", "0.5", "1500m", "1e3", "1E", "1Ki", "1ki", "1 Gi", "", "Gi", "++1", "1.1.1",
    "9223372036854775808", "1n", "1e-400", "NaN", 1, 0.1, True, None, [], "0x10", "१",
)  # fmt: skip
IMAGES: tuple[Any, ...] = (
    "", "a", "A", "a:latest", "a@sha256:" + "0" * 64, "a@sha256:0", "r:5000/a", "r:5000/a:b@c",
    ":tag", "a/" * 200, " a", "a:b:c", "docker.io/library/a:1", 7, None,
)  # fmt: skip
LABELS: tuple[Any, ...] = ("250ms", "0.1%", "0", "-5s", "1e3s", "∞", "critical", "gold", 5, None)
MAX_STEPS = 3


def mutate(obj: Any, seed: int) -> Any:
    """A copy of ``obj`` with one to three places changed."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    mutated = copy.deepcopy(obj)
    for _ in range(rng.randint(1, MAX_STEPS)):
        places = list(_places(mutated))
        if places:
            _change(*rng.choice(places), rng)
    return mutated


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) below ``value``."""
    pending = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, dict):
            keys: Any = list(current)
        elif isinstance(current, list):
            keys = range(len(current))
        else:
            continue
        for key in keys:
            yield current, key
            pending.append(current[key])


def _change(container: Any, key: Any, rng: random.Random) -> None:
    action = rng.randrange(6)
    if action == 0:
        del container[key]
    elif action == 1 and isinstance(container, list):
        container.append(copy.deepcopy(container[key]))
    elif action == 2 and isinstance(container, dict):
        container[str(key) + rng.choice("xé.")] = container.pop(key)
    else:
        container[key] = copy.deepcopy(rng.choice(_likely(key)))


def _likely(key: Any) -> tuple[Any, ...]:
    """Values that come near what the place holds, now and then; anything at all otherwise."""
    name = str(key)
    if name in {"cpu", "memory"} or "/gpu" in name:
        return QUANTITIES
    if name == "image":
        return IMAGES
    if name.startswith("karb.dev/"):
        return LABELS
    return WRONG
