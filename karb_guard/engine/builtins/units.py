"""``units.parse`` and ``units.parse_bytes``, with OPA's arithmetic.

Exact rationals for the one, mantissas of 64 bits for the other (OPA 1.22.2,
topdown/parse_units.go and parse_bytes.go).
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from karb_guard.engine.builtins.errors import UndefinedError, UnsupportedError
from karb_guard.engine.builtins.terms import Number

_LETTERS = "kmgtpe"
_DECIMAL = {letter: 1000**power for power, letter in enumerate(_LETTERS, 1)}
_BINARY = {f"{letter}i": 1024**power for power, letter in enumerate(_LETTERS, 1)}
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_MAX_EXPONENT_DIGITS = 6
_MAX_EXPONENT = 4000
"""OPA takes exponents up to 999,999, numbers of a million digits; beyond this one the host
gives no verdict instead."""
_MANTISSA_BITS = 64
_FRACTION_DIGITS = 10


def parse_units(text: Any) -> Number:
    """``units.parse``: SI and binary units, ``m`` for milli. ``1000m`` is ``1.0000000000``."""
    amount, unit = _split(_plain(text))
    unit = unit[:1] + unit[1:].lower()
    # 0.001 is a double in OPA: a thousand of them are not exactly one.
    factor = Fraction(0.001) if unit == "m" else _factor(unit)
    value = _fraction(amount) * factor
    if value.denominator == 1:
        return Number(str(value.numerator))
    return Number(_fixed(value))


def parse_bytes(text: Any) -> Number:
    """``units.parse_bytes``: whole bytes, rounded towards zero; letters in any case."""
    amount, unit = _split(_plain(text).lower())
    unit = unit.removesuffix("b") if len(unit) > 1 else unit
    factor = 1 if not unit else {**_DECIMAL, **_BINARY}.get(unit)
    if factor is None:
        raise UndefinedError
    return Number(str(int(_rounded(_rounded(_fraction(amount)) * factor))))


def _plain(text: Any) -> str:
    if not isinstance(text, str) or " " in text:
        raise UndefinedError
    return text.replace('"', "")


def _factor(unit: str) -> Fraction:
    # `m` is milli and `M` mega; all other first letters mean the same in both cases.
    if not unit:
        return Fraction(1)
    factor = {**_DECIMAL, **_BINARY}.get(unit.lower())
    if factor is None:
        raise UndefinedError
    return Fraction(factor)


def _split(text: str) -> tuple[str, str]:
    """The number and the unit, as OPA's ``extractNumAndUnit`` cuts them."""
    at = 0
    while at < len(text) and text[at] in "0123456789.+-eE":
        if text[at] in "eE":
            after = text[at + 1 : at + 2]
            if not after or after not in "0123456789+-":
                break
            at += after in "+-"
            if len(re.match(r"[0-9]*", text[at + 1 :])[0]) > _MAX_EXPONENT_DIGITS:  # type: ignore[index]
                raise UndefinedError
        at += 1
    return text[:at], text[at:]


def _fraction(amount: str) -> Fraction:
    if not _NUMBER.fullmatch(amount):
        raise UndefinedError
    _, _, exponent = amount.lower().partition("e")
    if abs(int(exponent or 0)) > _MAX_EXPONENT or len(amount) > _MAX_EXPONENT:
        raise UnsupportedError(f"units: {amount[:40]} has too many digits")
    return Fraction(amount)


def _rounded(value: Fraction) -> Fraction:
    """``value`` with a mantissa of 64 bits, to nearest even: Go's ``big.Float``."""
    if value == 0:
        return value
    size = abs(value.numerator).bit_length() - value.denominator.bit_length()
    shift = _MANTISSA_BITS - size
    while abs(value * Fraction(2) ** shift) >= 1 << _MANTISSA_BITS:
        shift -= 1
    return Fraction(round(value * Fraction(2) ** shift)) / Fraction(2) ** shift


def _fixed(value: Fraction) -> str:
    """Ten decimals, halves away from zero: Go's ``Rat.FloatString(10)``."""
    scaled = (abs(value) * 10**_FRACTION_DIGITS + Fraction(1, 2)).__floor__()
    digits = str(scaled).rjust(_FRACTION_DIGITS + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-_FRACTION_DIGITS]}.{digits[-_FRACTION_DIGITS:]}"
