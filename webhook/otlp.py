"""Spans as an OTLP ``ExportTraceServiceRequest``, the protobuf of OTLP/HTTP.

The few fields that a span of ours has are written by hand: the SDK of OpenTelemetry would bring a
dozen packages for them. Numbers of fields are those of
https://github.com/open-telemetry/opentelemetry-proto (``trace/v1/trace.proto``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

Value = str | bool | int
_SERVER = 2
"""SPAN_KIND_SERVER."""
_VARINT, _FIXED64, _BYTES = 0, 1, 2
"""Wire types."""


class Span(NamedTuple):
    """One span; times are nanoseconds since the epoch."""

    trace_id: bytes
    """16 bytes."""
    span_id: bytes
    """8 bytes."""
    name: str
    start: int
    end: int
    attributes: Mapping[str, Value]


def request(resource: Mapping[str, Value], scope: str, spans: Iterable[Span]) -> bytes:
    """The message that carries ``spans`` of one scope of one resource."""
    scoped = _field(1, _field(1, scope.encode())) + b"".join(_field(2, _span(s)) for s in spans)
    return _field(1, _field(1, _attributes(1, resource)) + _field(2, scoped))


def _span(span: Span) -> bytes:
    return b"".join(
        (
            _field(1, span.trace_id),
            _field(2, span.span_id),
            _field(5, span.name.encode()),
            _number(6, _SERVER),
            _fixed(7, span.start),
            _fixed(8, span.end),
            _attributes(9, span.attributes),
        )
    )


def _attributes(number: int, values: Mapping[str, Value]) -> bytes:
    """``repeated KeyValue``."""
    pairs = ((key.encode(), _any(value)) for key, value in values.items())
    return b"".join(_field(number, _field(1, key) + _field(2, value)) for key, value in pairs)


def _any(value: Value) -> bytes:
    """``AnyValue``."""
    if isinstance(value, bool):
        return _number(2, int(value))
    if isinstance(value, int):
        return _number(3, value)
    return _field(1, value.encode("utf-8", "replace"))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value)


def _fixed(number: int, value: int) -> bytes:
    return _varint(number << 3 | _FIXED64) + value.to_bytes(8, "little")


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
