"""Bytes -> text: UTF-8, and UTF-16 with a byte order mark, as YAML and JSON allow."""

from __future__ import annotations

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from typing import NamedTuple

from karb_guard.manifests.problem import ParseProblem
from karb_guard.manifests.text import SourceText
from karb_guard.model.patterns import lazy

BAD_BYTE = lazy("[\udc80-\udcff]")
"""A byte that was not UTF-8, in a text decoded with ``surrogateescape``."""
_UTF8_REMEDY = "save the file as UTF-8"


class Decoded(NamedTuple):
    """A file's text. ``clean`` is false if it holds bytes that were not UTF-8 (``BAD_BYTE``)."""

    source: SourceText
    clean: bool
    skipped_bytes: int
    """Bytes of a byte order mark before the text, for byte offsets in messages."""


def decode(data: bytes, name: str) -> Decoded | ParseProblem:
    """The text of a file.

    Bytes that are not UTF-8 stay in it as surrogates, so that the documents without any can
    still be read.
    """
    if data.startswith((BOM_UTF32_LE, BOM_UTF32_BE)):
        return ParseProblem(name, 1, 1, "the file is UTF-32, which is not read", _UTF8_REMEDY)
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return _utf16(data, name)
    skipped = len(BOM_UTF8) if data.startswith(BOM_UTF8) else 0
    body = data[skipped:]
    try:
        return Decoded(SourceText(name, body.decode()), True, skipped)
    except UnicodeDecodeError:
        text = body.decode("utf-8", "surrogateescape")
        return Decoded(SourceText(name, text), False, skipped)


def _utf16(data: bytes, name: str) -> Decoded | ParseProblem:
    try:
        return Decoded(SourceText(name, data.decode("utf-16")), True, 2)
    except UnicodeDecodeError as error:
        message = f"not UTF-16: byte {error.start} of the file ({error.reason})"
        return ParseProblem(name, None, None, message, _UTF8_REMEDY)


def bad_byte(decoded: Decoded, index: int) -> tuple[str, str]:
    """Message and remedy for the undecodable byte at ``index`` of the text."""
    text = decoded.source.text
    offset = decoded.skipped_bytes + len(text[:index].encode("utf-8", "surrogateescape"))
    value = ord(text[index]) - 0xDC00
    return f"not UTF-8: byte 0x{value:02X} at offset {offset} of the file", _UTF8_REMEDY
