"""``catalogue.json``: what a compiled bundle knows about its invariants.

Every command reads this file at start-up, so it imports neither ``yaml`` nor ``pydantic`` nor
``wasmtime``: the metadata was checked when the bundle was compiled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from karb_guard.engine.interface import EngineError
from karb_guard.invariants import compiled
from karb_guard.invariants.catalogue import Catalogue

FORMAT = 2
"""Raised when the layout of ``catalogue.json`` changes; another number is refused."""

CATALOGUE_FILE = "catalogue.json"


@dataclass(frozen=True, slots=True)
class Group:
    """One entry point: what matches it, where it is, and whom it asks."""

    entrypoint: str
    """Slash-separated, as OPA's APIs want it: ``karb_guard/entry/pods``."""
    invariants: tuple[str, ...]
    unread: tuple[str, ...] = ()
    """Fields of ``metadata`` that none of them can read (``reads.NAMES``)."""
    token_volumes: bool = False
    """Whether the name of a token's volume is nothing but a name to them: so with our own."""


@dataclass(frozen=True, slots=True)
class HostCall:
    """A use of a built-in that the host implements, for the message about its cost."""

    builtin: str
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class BundleCatalogue:
    """The invariants of a bundle and what it was made from."""

    invariants: Catalogue
    groups: Mapping[str, Group]
    revision: str
    """Every answer carries it; an answer with another one came from other policies."""
    source_hash: str
    sources: Mapping[str, str]
    """File name -> sha256."""
    compiler: str
    opa_version: str
    wasm_sha256: str
    host_calls: tuple[HostCall, ...] = field(default=())


def dump_catalogue(catalogue: BundleCatalogue) -> str:
    """The text of ``catalogue.json``; the same catalogue gives the same text."""
    data = {
        "format": FORMAT,
        "revision": catalogue.revision,
        "sourceHash": catalogue.source_hash,
        "compiler": catalogue.compiler,
        "opaVersion": catalogue.opa_version,
        "wasmSha256": catalogue.wasm_sha256,
        "sources": dict(catalogue.sources),
        "groups": {name: asdict(group) for name, group in catalogue.groups.items()},
        "hostCalls": [asdict(call) for call in catalogue.host_calls],
        "invariants": compiled.dump(catalogue.invariants),
    }
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def load_catalogue(directory: Path) -> BundleCatalogue:
    """Read ``catalogue.json`` of a bundle directory.

    Raises ``EngineError`` for a file that is missing, damaged or of another format.
    """
    path = directory / CATALOGUE_FILE
    try:
        data = json.loads(path.read_bytes())
        if data["format"] != FORMAT:
            raise EngineError(
                f"{path}: format {data['format']}, this release reads {FORMAT}; "
                "build the bundle anew with `karb-guard policy build`"
            )
        return _catalogue(data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(f"{path}: not a catalogue: {error!r}") from error


def _catalogue(data: Mapping[str, Any]) -> BundleCatalogue:
    return BundleCatalogue(
        invariants=compiled.load(data["invariants"]),
        groups={
            name: Group(
                group["entrypoint"],
                tuple(group["invariants"]),
                tuple(group["unread"]),
                group["token_volumes"] is True,
            )
            for name, group in data["groups"].items()
        },
        revision=data["revision"],
        source_hash=data["sourceHash"],
        sources=data["sources"],
        compiler=data["compiler"],
        opa_version=data["opaVersion"],
        wasm_sha256=data["wasmSha256"],
        host_calls=tuple(HostCall(**call) for call in data["hostCalls"]),
    )
