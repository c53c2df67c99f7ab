"""Kubernetes' ``resource.Quantity``: what the API server reads in ``memory: 16Gi``.

The rules, odd ones included, are those of ``ParseQuantity`` in k8s.io/apimachinery v0.37
(``pkg/api/resource/quantity.go``, ``suffix.go``): ``"-"`` is zero, a value below a nano-unit is
rounded up to one, binary suffixes are capped at the largest int64. The tests hold a table that
was answered by that code.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from karb_guard.model.patterns import lazy

MAX_LENGTH = 256
"""Longer texts are refused here: the API server would read them, but nobody writes them."""

MAX_INT64 = 2**63 - 1

_NANO = 9
_MILLI_PER_NANO = 10**6
_WHOLE_PER_NANO = 10**9
_FAR = 64
"""Exponents beyond this can't change the answer any more: 10**64 units saturate every result."""

# Nothing is given back (`*+`): a digit belongs to the number where it can, so that what follows
# begins with a letter or a sign, and a text that is no quantity is refused in one pass.
_FORM = lazy(r"([+-]?)([0-9]*+)(?:\.([0-9]*+))?+([eEinumkKMGTP]*+[-+]?[0-9]*+)")
_GO_SPACE = " \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
_DECIMAL = {
    "": 0,
    "n": -9,
    "u": -6,
    "m": -3,
    "k": 3,
    "M": 6,
    "G": 9,
    "T": 12,
    "P": 15,
    "E": 18,
}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_NEEDS_DIGITS = frozenset({"Pi", "Ei"})
"""Upstream's slow path, which these take, fails without digits; its fast path reads zero."""
_EXPONENT = lazy(r"[eE]([+-]?[0-9]+)")


class Quantity(NamedTuple):
    """A parsed quantity, rounded as the API server rounds."""

    milli: int
    """Thousandths of the unit, rounded away from zero, at most int64 in magnitude.

    The API server itself rounds resource lists to this precision (``SetDefaults_ResourceList``).
    """
    is_whole: bool
    """True for a whole number of units as written: ``2``, ``2000m``, ``1Ki``; not ``1500m``."""


class QuantityError(NamedTuple):
    """Why a value is no quantity."""

    reason: str


def parse_quantity(value: object) -> Quantity | QuantityError:
    """Parse a quantity as the API server does.

    ``value`` is a string, or a YAML/JSON number, which counts as its JSON text; anything else
    (booleans too) is an error. Never raises; results are cached.
    """
    if type(value) is str:
        if len(value) > MAX_LENGTH:
            return QuantityError(f"longer than {MAX_LENGTH} characters")
        return _parse(value)
    if type(value) is float or (type(value) is int and -(2**64) < value < 2**64):
        return _parse(repr(value))
    return QuantityError("neither a string nor a number")


@lru_cache(maxsize=4096)
def _parse(text: str) -> Quantity | QuantityError:
    text = text.strip(_GO_SPACE)
    match = _FORM.fullmatch(text)
    if match is None or not text:
        return QuantityError("not a number with a unit suffix")
    sign, whole, fraction, suffix = match.groups(default="")
    power = _BINARY.get(suffix)
    exponent = _decimal_exponent(suffix) if power is None else 0
    if exponent is None:
        return QuantityError(f"unknown unit suffix {suffix!r}")
    if not (whole or fraction) and (exponent < -_NANO or suffix in _NEEDS_DIGITS):
        return QuantityError("no digits")
    scale = exponent - len(fraction) + _NANO
    nano = _ceil(int((whole + fraction) or "0") << (power or 0), scale)
    if power is not None:
        nano = min(nano, MAX_INT64 * _WHOLE_PER_NANO)
    return _rounded(-nano if sign == "-" else nano)


def _decimal_exponent(suffix: str) -> int | None:
    if suffix in _DECIMAL:
        return _DECIMAL[suffix]
    match = _EXPONENT.fullmatch(suffix)
    if match is None:
        return None
    exponent = int(match.group(1))
    if not -(2**63) <= exponent < 2**63:
        return None
    # Upstream keeps the low 32 bits of the exponent: 1e4294967296 is 1.
    return (exponent + 2**31) % 2**32 - 2**31


def _ceil(digits: int, scale: int) -> int:
    """``digits * 10**scale`` rounded up, without ever building a number of absurd size."""
    if digits == 0:
        return 0
    if scale >= 0:
        return digits * _power_of_ten(min(scale, _FAR))
    if -scale > MAX_LENGTH + _FAR:
        return 1
    return -(-digits // _power_of_ten(-scale))


def _power_of_ten(exponent: int) -> int:
    power: int = 10**exponent
    return power


def _rounded(nano: int) -> Quantity:
    size = min(-(-abs(nano) // _MILLI_PER_NANO), MAX_INT64)
    return Quantity(-size if nano < 0 else size, nano % _WHOLE_PER_NANO == 0)
