"""AdmissionReviews that no API server would send, and some that one would.

Two levels: structure (any value anywhere in the review of any fixture replaced by something else)
and bytes (cut, repeated, overwritten). What comes out is always bytes, since the body is where
the webhook's door is.
"""

from __future__ import annotations

import copy
import json
from functools import cache
from random import Random
from typing import Any

import yaml
from hypothesis import strategies as st

from karb_guard.invariants.roots import builtin_root
from tests.support.webhook_rig import review

UID = "705ab4f5-6393-11e8-b7cc-42010a800002"

SCALARS: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 0.5, -0.0, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1),
    *(10**40, 10**400, 1e308, float("inf"), float("-inf"), float("nan")),
    *("", " ", "\x00", "\ud800", "\udfff\ud800", "a\ud83d", "\u202e", "é" * 300, "x" * 70_000),
    *("1", "-1", "1e999999999", "9" * 400, "1Ei", "0.0000000000001n", "nan", "1d", "-5s", "~"),
    *("true", "null", "{}", "${x}", "a/b/c@sha256:zz", "../..", "%s%s%n", "2026-13-45", "\n\n"),
)
"""What parsers of numbers, quantities, dates, images and text may stumble over."""


_NESTS = {
    f"@@{'list' if lists else 'map'}-{depth}@@": (b"[" * depth + b"0" + b"]" * depth)
    if lists
    else (b'{"spec":' * depth + b"0" + b"}" * depth)
    for depth in (30, 99, 101, 300, 990, 1100, 20_000)
    for lists in (True, False)
}
"""Stand for lists and maps inside one another, deeper than Python's own encoder goes."""


def encoded(document: Any) -> bytes:
    """The document as JSON, with what no encoder would write."""
    body = json.dumps(document).encode()
    for name, text in _NESTS.items():
        body = body.replace(f'"{name}"'.encode(), text)
    return body


EMPTIES: tuple[Any, ...] = ([], {}, [[]], [None], {"": ""}, {"a": None}, [{}], {"\ud800": 1})
KEYS = (
    *("", "metadata", "labels", "annotations", "spec", "template", "containers", "name", "image"),
    *("resources", "limits", "requests", "nvidia.com/gpu", "env", "value", "ports", "volumes"),
    *("tolerations", "affinity", "nodeSelector", "securityContext", "initContainers", "kind"),
    *("apiVersion", "deletionTimestamp", "ownerReferences", "generateName", "status", "a.b/c"),
    *("waive.karb.dev/res-mem", "karb.dev/slo-p95-latency", "\ud800", "__proto__", "replicas"),
)
INSIDE = 0.9
"""Share of the changes inside an object; the others are in the review around it."""
DEEPEST = 40
_OBJECTS = (("request", "object"), ("request", "oldObject"))

Path = tuple[str | int, ...]


@cache
def objects() -> tuple[dict[str, Any], ...]:
    """The object of every fixture: all kinds that the catalogue judges."""
    files = sorted(builtin_root().rglob("fixtures/*/*.yaml"))
    loaded = (
        document
        for file in files
        for document in yaml.load_all(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
    )
    return tuple(json.loads(json.dumps(document, default=str)) for document in loaded if document)


def paths(document: Any) -> list[Path]:
    """Every place in a document that is not deeper than ``DEEPEST``."""
    found: list[Path] = []
    waiting: list[tuple[Path, Any]] = [((), document)]
    while waiting:
        here, value = waiting.pop()
        found.append(here)
        if isinstance(value, dict):
            items: Any = value.items()
        elif isinstance(value, list):
            items = enumerate(value)
        else:
            continue
        if len(here) < DEEPEST:
            waiting += [((*here, key), inner) for key, inner in items]
    return found


def _at(document: Any, path: Path) -> Any:
    for key in path:
        document = document[key]
    return document


def _put(document: Any, path: Path, value: Any) -> Any:
    """``document`` with ``value`` at ``path``."""
    if not path:
        return value
    # A copy: a value from elsewhere in the document must not come to hold itself.
    _at(document, path[:-1])[path[-1]] = copy.deepcopy(value)
    return document


def structure(random: Random) -> bytes:
    """A review with a few places changed: replaced, removed, doubled, wrapped, or added to."""
    obj = random.choice(objects())
    operation = random.choice(["CREATE"] * 6 + ["UPDATE"] * 3 + ["DELETE", "CONNECT", "x"])
    old = None if operation == "CREATE" else random.choice([obj, random.choice(objects())])
    document: Any = json.loads(json.dumps(review(obj, operation, old, uid=UID)))
    for _ in range(random.randint(1, 4)):
        document = _changed(random, document)
    return encoded(document)


def odd(random: Random, depth: int = 2) -> Any:
    """Some value that nobody expects there."""
    kind = random.randrange(10)
    if depth and kind == 0:
        return [odd(random, depth - 1) for _ in range(random.randrange(4))]
    if depth and kind == 1:
        return {random.choice(KEYS): odd(random, depth - 1) for _ in range(random.randrange(4))}
    if kind == 2:
        return random.choice(list(_NESTS))
    if kind == 3:
        return random.choice(EMPTIES)
    if kind == 4:
        return "".join(chr(random.randrange(0x3000)) for _ in range(random.randrange(40)))
    return random.choice(SCALARS)


def _changed(random: Random, document: Any) -> Any:
    places = paths(document)
    inside = [path for path in places if path[:2] in _OBJECTS]
    # Mostly inside the objects: that is where the policies look.
    path = random.choice(inside if inside and random.random() < INSIDE else places)
    here = _at(document, path)
    change = random.choice(["replace", "replace", "remove", "copy", "wrap", "add", "add"])
    if change == "add" and isinstance(here, dict):
        here[random.choice(KEYS)] = odd(random)
        return document
    if change == "copy":
        return _put(document, path, json.loads(json.dumps(_at(document, random.choice(places)))))
    if change == "wrap":
        return _put(document, path, random.choice([[here], [here, here], {"spec": here}]))
    if change == "remove" and path:
        del _at(document, path[:-1])[path[-1]]
        return document
    return _put(document, path, odd(random))


def torn(random: Random) -> bytes:
    """A review's bytes, changed without regard to what they mean."""
    body = json.dumps(review(random.choice(objects()), uid=UID)).encode()
    for _ in range(random.randint(1, 4)):
        at, length = random.randrange(len(body) + 1), random.randrange(40)
        piece = random.choice(
            [random.randbytes(random.randrange(20)), body[at : at + length] * 3, *PIECES]
        )
        body = body[:at] + piece + body[at + length :]
    return body


PIECES = (b"", b"\\ud800", b"[" * 2000, b'{"a":' * 1200, b"1e400", b"\xff", b'"', b"}", b",")


def made_up(number: int) -> bytes:
    """The body of that number."""
    random = Random(number)  # noqa: S311
    chosen = random.random()
    if chosen < 0.8:
        return structure(random)
    return torn(random) if chosen < 0.97 else random.randbytes(random.randrange(300))


BATCHES = st.integers(0, 2**64 - 1)
"""Where a batch begins: to have hypothesis draw each body, or each step, took most of the time."""
BATCH = 25


def batch(first: int) -> list[bytes]:
    """The bodies of an example."""
    return [made_up(first + number) for number in range(BATCH)]
