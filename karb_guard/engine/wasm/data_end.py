"""How much memory a module's data needs, because ``opa build`` asks for too little.

OPA's compiler writes the size of the memory that the module imports before it adds the policies'
strings to the data (stage ``addImportMemoryDecl`` of internal/compiler/wasm/wasm.go, OPA 1.22.2).
Once they pass the end of a page, the module traps where it is instantiated with what it asks for.
"""

from __future__ import annotations

from typing import NamedTuple

PAGE_BYTES = 65536
_HEADER_BYTES = 8
_DATA_SECTION = 11
_I32_CONST, _END = 0x41, 0x0B


class _Number(NamedTuple):
    value: int
    after: int


def data_pages(wasm: bytes) -> int:
    """Pages that hold every active data segment of a valid module; 0 where it has none.

    Only offsets that are plain constants count: OPA writes no others.
    """
    place = _HEADER_BYTES
    while place < len(wasm):
        kind = wasm[place]
        size = _unsigned(wasm, place + 1)
        if kind == _DATA_SECTION:
            return -(-_last_byte(wasm, size.after) // PAGE_BYTES)
        place = size.after + size.value
    return 0


def _last_byte(wasm: bytes, place: int) -> int:
    """The end of the segment that reaches furthest, in bytes from the memory's start."""
    count = _unsigned(wasm, place)
    place, furthest = count.after, 0
    for _ in range(count.value):
        if wasm[place] != 0 or wasm[place + 1] != _I32_CONST:  # passive, or a computed offset
            return furthest
        offset = _unsigned(wasm, place + 2)  # addresses are below 2 GiB: the sign bit is clear
        if wasm[offset.after] != _END:
            return furthest
        size = _unsigned(wasm, offset.after + 1)
        furthest = max(furthest, offset.value + size.value)
        place = size.after + size.value
    return furthest


def _unsigned(wasm: bytes, place: int) -> _Number:
    """The LEB128 number at ``place``."""
    value = shift = 0
    while True:
        byte = wasm[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return _Number(value, place)
