"""What a YAML scalar means to kubectl.

kubectl reads YAML with ``sigs.k8s.io/yaml``, whose scalars are those of ``go.yaml.in/yaml/v2``
(``resolve.go``), turned into JSON, whose numbers ``sigs.k8s.io/json`` reads as int64 or float64.
This module gives the value at the end of that chain. It differs from PyYAML's: ``y`` is true,
``1e3`` a number, ``0o17`` is 15, ``12:30:45`` and dates are strings, and ``1.0`` ends as 1.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from collections.abc import Mapping
from functools import lru_cache

from karb_guard.model.patterns import lazy

Scalar = str | int | float | bool | None

_PREFIX = "tag:yaml.org,2002:"
_BINARY, _TIMESTAMP = _PREFIX + "binary", _PREFIX + "timestamp"
_FLOAT_TAG = _PREFIX + "float"
_SHORT = {_PREFIX + name: name for name in ("bool", "int", "float", "null", "timestamp")}

WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(
        ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True
    ),
    **dict.fromkeys(("n", "N", "no", "No", "NO"), False),
    **dict.fromkeys(("false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_NOT_FINITE = {
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
NUMERIC_START = frozenset("+-.0123456789")
"""A plain scalar that starts with anything else is a word of ``WORDS`` or a string."""

# Go's strconv.ParseInt with base 0, after goyaml took the underscores out.
_INT = lazy(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[oO]?([0-7]+)|0[bB]([01]+)|(0|[1-9][0-9]*))", re.ASCII)
_SIGN_AFTER_0B = lazy(r"0b([-+][01]+)")
_FLOAT = lazy(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DOT_FLOAT = lazy(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")
_LONGEST_INT = 4000  # characters; below the 4,300 digits that Python converts
_INT64 = 1 << 63
_UINT64 = 1 << 64
_BAD_BYTE = lazy("[\udc80-\udcff]")
_TIME = lazy(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"(?:[Tt][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})"
    r"| [0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?)?"
)


class ScalarError(ValueError):
    """A scalar that kubectl refuses; the message names it."""


def resolve(value: str) -> Scalar:
    """The value of a plain scalar. Raises ``ScalarError`` for NaN and the infinities."""
    if value in WORDS:
        return WORDS[value]
    return number(value) if value[0] in NUMERIC_START else value


@lru_cache(maxsize=8192)
def number(text: str) -> Scalar:
    """A plain scalar that starts like a number: an int, a float, or the text itself."""
    raw = _raw_number(text)
    if isinstance(raw, str):
        return text
    return json_number(raw, text)


def json_number(raw: int | float, text: str) -> int | float:
    """A number as it arrives in an unstructured object: int64 where it fits, else float64."""
    if isinstance(raw, int):
        return raw if -_INT64 <= raw < _INT64 else float(raw)
    if not math.isfinite(raw):
        raise ScalarError(f"the number `{_short(text)}` can't be written in JSON")
    if raw.is_integer() and abs(raw) < _INT64:
        return _shortest_digits(raw)
    return raw


def _shortest_digits(raw: float) -> int | float:
    """An integral float as Go's JSON prints it: the shortest digits, then zeros."""
    mantissa, _, exponent = repr(raw).partition("e")
    if not exponent:
        return int(raw)
    whole, _, fraction = mantissa.partition(".")
    result = int(whole + fraction) * int(10 ** (int(exponent) - len(fraction)))
    return result if -_INT64 <= result < _INT64 else raw


def _raw_number(text: str) -> int | float | str:
    if text in _NOT_FINITE:
        return _NOT_FINITE[text]
    if text[0] == ".":  # Go's ParseFloat takes underscores between digits
        return _float(text.replace("_", "")) if _DOT_FLOAT.fullmatch(text) else text
    plain = text.replace("_", "")
    if len(plain) <= _LONGEST_INT:
        whole = _int(plain)
        if whole is not None:
            return whole
    return _float(plain)


def _float(plain: str) -> float | str:
    if not _FLOAT.fullmatch(plain):
        return plain
    result = float(plain)
    return result if math.isfinite(result) else plain


def _int(plain: str) -> int | None:
    found = _INT.fullmatch(plain)
    if not found:
        odd = _SIGN_AFTER_0B.fullmatch(plain)
        return _in_range(int(odd[1], 2), signed=True) if odd else None
    sign, hexadecimal, octal, binary, decimal = found.groups()
    digits = hexadecimal or octal or binary or decimal
    base = 16 if hexadecimal else 8 if octal else 2 if binary else 10
    result = int(digits, base)
    return _in_range(-result if sign == "-" else result, signed=bool(sign))


def _in_range(result: int, *, signed: bool) -> int | None:
    """Go tries int64 and, for digits without a sign, uint64."""
    top = _INT64 if signed else _UINT64
    return result if -_INT64 <= result < top else None


def key(text: str) -> str:
    """A plain scalar that is a mapping's key, as the string it becomes in JSON.

    Raises ``ScalarError`` for a null key and for integers over int64, as sigs.k8s.io/yaml does.
    """
    value = WORDS.get(text, text)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        raise ScalarError("a mapping's key is null")
    raw = _raw_number(text) if text[0] in NUMERIC_START else text
    if isinstance(raw, str):
        return text
    if isinstance(raw, int):
        if raw >= _INT64:
            raise ScalarError(f"the key `{_short(text)}` is too big a number; put it in quotes")
        return str(raw)
    return _float32_text(raw)


def _float32_text(raw: float) -> str:
    """Go's ``strconv.FormatFloat(raw, 'g', -1, 32)``, with goyaml's names for the infinities."""
    if math.isnan(raw):
        return ".nan"
    try:
        single = struct.unpack("f", struct.pack("f", raw))[0]
    except OverflowError:
        single = math.copysign(math.inf, raw)
    if math.isinf(single):
        return ".inf" if single > 0 else "-.inf"
    return _format_g(_shortest_single(single))


def _shortest_single(single: float) -> str:
    for precision in range(9):
        text = f"{single:.{precision}e}"
        if struct.unpack("f", struct.pack("f", float(text)))[0] == single:
            return text
    return f"{single:.9e}"


def _format_g(scientific: str) -> str:
    mantissa, _, exponent = scientific.partition("e")
    power = int(exponent)
    if power < -4 or power >= 6:
        return f"{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
    digits = len(mantissa.replace("-", "").replace(".", ""))
    return f"{float(scientific):.{max(digits - 1 - power, 0)}f}"


def resolve_tagged(tag: str, value: str) -> Scalar:
    """The value of a scalar with an explicit tag (in its long form).

    Unknown tags give the text. Raises ``ScalarError`` where text and tag don't fit.
    """
    if tag == _BINARY:
        return _binary(value)
    if tag not in _SHORT:
        return value
    _check_tag(tag, value)
    if tag == _FLOAT_TAG:
        return json_number(_as_float(value), value)
    return value if tag == _TIMESTAMP else resolve(value)


def tagged_key(tag: str, value: str) -> str:
    """`key` for a scalar with an explicit tag."""
    if tag not in _SHORT:
        return str(resolve_tagged(tag, value))
    _check_tag(tag, value)
    if tag == _FLOAT_TAG:
        return _float32_text(_as_float(value))
    return value if tag == _TIMESTAMP else key(value)


def _check_tag(tag: str, value: str) -> None:
    name = _SHORT[tag]
    if tag == _TIMESTAMP:
        fits = _TIME.fullmatch(value) is not None
    else:
        kind = _kind(value)
        fits = kind == name or (kind == "int" and name == "float")
    if not fits:
        raise ScalarError(f"`{_short(value)}` is tagged !!{name} and is none")


def _as_float(value: str) -> float:
    raw = _raw_number(value)
    if isinstance(raw, int) and raw >= _INT64:
        raise ScalarError(f"`{_short(value)}` is tagged !!float and is too big")
    return float(raw)


def _kind(value: str) -> str:
    word = WORDS.get(value, value)
    if not isinstance(word, str):
        return "null" if word is None else "bool"
    raw = _raw_number(value) if value[0] in NUMERIC_START else value
    return {int: "int", float: "float"}.get(type(raw), "str")


def _binary(value: str) -> str:
    try:
        data = base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        raise ScalarError("a !!binary value is not base64") from None
    return _BAD_BYTE.sub("\ufffd", data.decode("utf-8", "surrogateescape"))


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
