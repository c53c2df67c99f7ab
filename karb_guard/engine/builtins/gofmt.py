"""``sprintf`` as OPA has it: Go's ``fmt.Sprintf`` over the four types that OPA passes to it.

OPA turns operands into ``int64``, ``*big.Int``, ``float64`` or ``string`` (everything else is
printed first; topdown/strings.go), so ``%t`` of a boolean is an error text there and here. The
rules are those of Go 1.26's package fmt: flags ``+-# 0``, widths, precisions, ``*``, ``[n]``,
and the error texts (``%!d(string=x)``, ``%!s(MISSING)``, ``%!(EXTRA ...)``). Floats in ``%b``,
``%x`` and with ``#`` are not supported. A differential test compares all of it with OPA.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from karb_guard.engine.builtins.errors import UndefinedError, UnsupportedError
from karb_guard.engine.builtins.terms import Number, is_printable, quote, to_string

_LARGEST = 1_000_000
"""Go's bound for widths and precisions (``tooLarge``)."""
_INT64 = 1 << 63
_BASES = {"d": "d", "v": "d", "s": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_REPLACEMENT = "�"


@dataclass(slots=True)
class _Spec:
    """The flags of one verb."""

    plus: bool = False
    minus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    width: int | None = None
    precision: int | None = None
    go_syntax: bool = False  # %#v
    plus_v: bool = False  # %+v

    def pad(self, text: str, *, zero: bool | None = None) -> str:
        zeros = (self.zero if zero is None else zero) and not self.minus
        missing = (self.width or 0) - len(text)
        filling = ("0" if zeros else " ") * missing
        return text + filling if self.minus else filling + text

    def sign(self, *, negative: bool) -> str:
        if negative:
            return "-"
        return "+" if self.plus else " " if self.space else ""


def sprintf(template: Any, operands: Any) -> str:
    """``sprintf(template, operands)``. Raises ``UndefinedError`` for operands of other types."""
    if not isinstance(template, str) or not isinstance(operands, list):
        raise UndefinedError
    return _Printer(template, [_operand(each) for each in operands]).run()


def _operand(value: Any) -> str | int | float:
    if isinstance(value, str):
        return value
    if not isinstance(value, Number):
        return to_string(value)
    if not value.is_float:
        return int(value.text)
    number = float(value.text)
    return value.text if number in {float("inf"), float("-inf")} else number


class _Printer:
    """Go's ``doPrintf``: one pass over the template."""

    def __init__(self, template: str, operands: list[str | int | float]) -> None:
        self._text = template
        self._operands = operands
        self._out: list[str] = []
        self._at = 0
        self._next = 0
        self._reordered = False
        self._good_index = True
        self._after_index = False

    def run(self) -> str:
        while self._at < len(self._text):
            percent = self._text.find("%", self._at)
            if percent < 0:
                percent = len(self._text)
            self._out.append(self._text[self._at : percent])
            self._at = percent + 1
            if percent < len(self._text):
                self._directive()
        self._extra()
        return "".join(self._out)

    def _directive(self) -> None:
        self._good_index, self._after_index = True, False
        spec = self._flags()
        self._index()
        self._width(spec)
        self._precision(spec)
        if not self._after_index:
            self._index()
        if self._at >= len(self._text):
            self._out.append("%!(NOVERB)")
            return
        verb = self._text[self._at]
        self._at += 1
        self._out.append(self._verb(verb, spec))

    def _flags(self) -> _Spec:
        spec = _Spec()
        names = {"+": "plus", "-": "minus", "#": "sharp", " ": "space", "0": "zero"}
        while self._peek() in names:
            setattr(spec, names[self._peek()], True)
            self._at += 1
        return spec

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1] or "end"

    def _index(self) -> None:
        if self._peek() != "[":
            self._after_index = False
            return
        self._reordered = self._after_index = True
        close = self._text.find("]", self._at)
        if close < 0 or len(self._text) - self._at < 3:
            self._good_index = self._after_index = False
            self._at += 1
            return
        inside = self._text[self._at + 1 : close]
        self._at = close + 1
        number = int(inside) if re.fullmatch(r"[0-9]{1,7}", inside) else None
        if number is None:
            self._good_index = self._after_index = False
        elif 1 <= number <= len(self._operands):
            self._next = number - 1
        else:
            self._good_index = False

    def _width(self, spec: _Spec) -> None:
        if self._peek() == "*":
            self._at += 1
            spec.width = self._from_operand()
            if spec.width is None:
                self._out.append("%!(BADWIDTH)")
            elif spec.width < 0:
                spec.width, spec.minus, spec.zero = -spec.width, True, False
            self._after_index = False
            return
        spec.width = self._number()
        if self._after_index and spec.width is not None:
            self._good_index = False

    def _precision(self, spec: _Spec) -> None:
        # Go looks for a period that is not the last character.
        if self._peek() != "." or self._at + 1 >= len(self._text):
            return
        self._at += 1
        if self._after_index:
            self._good_index = False
        self._index()
        if self._peek() != "*":
            spec.precision = self._number() or 0
            return
        self._at += 1
        given = self._from_operand()
        spec.precision = given if given is not None and given >= 0 else None
        if spec.precision is None:
            self._out.append("%!(BADPREC)")
        self._after_index = False

    def _from_operand(self) -> int | None:
        if self._next >= len(self._operands):
            return None
        value = self._operands[self._next]
        self._next += 1
        return value if isinstance(value, int) and abs(value) <= _LARGEST else None

    def _number(self) -> int | None:
        match = re.compile(r"[0-9]*").match(self._text, self._at)
        digits = match[0] if match else ""
        # Go gives up, at the end of the template, once the digits before exceed the bound.
        if digits[:-1] and int(digits[:-1][:8]) > _LARGEST:
            self._at = len(self._text)
            return None
        self._at += len(digits)
        return int(digits) if digits else None

    def _verb(self, verb: str, spec: _Spec) -> str:
        if verb == "%":
            return "%"
        if not self._good_index:
            return f"%!{verb}(BADINDEX)"
        if self._next >= len(self._operands):
            return f"%!{verb}(MISSING)"
        if verb in {"v", "w"}:
            spec.go_syntax, spec.plus_v = spec.sharp, spec.plus
            spec.sharp = spec.plus = False
        self._next += 1
        return _print(self._operands[self._next - 1], verb, spec)

    def _extra(self) -> None:
        left = self._operands[self._next :]
        if left and not self._reordered:
            said = ", ".join(f"{_type(each)}={_print(each, 'v', _Spec())}" for each in left)
            self._out.append(f"%!(EXTRA {said})")


def _type(value: str | float) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, float):
        return "float64"
    return "int64" if -_INT64 <= value < _INT64 else "*big.Int"


def _print(value: str | float, verb: str, spec: _Spec) -> str:
    if verb == "T":
        return _string(_type(value), "s", spec) or ""
    if isinstance(value, str):
        printed = _string(value, verb, spec)
    elif isinstance(value, float):
        printed = _float(value, verb, spec)
    elif -_INT64 <= value < _INT64:
        printed = _int(value, verb, spec)
    else:
        printed = _big(value, verb, spec)
    if printed is not None:
        return printed
    return f"%!{verb}({_type(value)}={_print(value, 'v', spec)})"


def _string(value: str, verb: str, spec: _Spec) -> str | None:
    cut = value if spec.precision is None else value[: spec.precision]
    if verb == "q" or (verb == "v" and spec.go_syntax):
        raw = spec.sharp and not re.search("[\x00-\x08\x0a-\x1f\x7f`\ufeff]", cut)
        return spec.pad(f"`{cut}`" if raw else quote(cut, ascii_only=spec.plus))
    if verb in "vs":
        return spec.pad(cut)
    return spec.pad(_hex(value, verb, spec)) if verb in "xX" else None


def _hex(value: str, verb: str, spec: _Spec) -> str:
    content = value.encode()[: spec.precision]
    lead = ("0" + verb) if spec.sharp and content else ""
    digits = [f"{byte:02x}" for byte in content]
    joined = f" {lead}".join(digits) if spec.space else "".join(digits)
    return lead + (joined.upper() if verb == "X" else joined)


def _int(value: int, verb: str, spec: _Spec) -> str | None:
    if verb in "cqU":
        return _rune(value, verb, spec)
    if verb not in "vdboOxX":
        return None
    if spec.precision == 0 and value == 0:
        return " " * (spec.width or 0)
    sign = spec.sign(negative=value < 0)
    digits = format(abs(value), _BASES[verb])
    zeros = spec.precision or 0
    if spec.precision is None and spec.zero and not spec.minus and spec.width is not None:
        zeros = spec.width - len(sign)
    digits = digits.rjust(zeros, "0")
    return spec.pad(sign + _prefix(digits, verb, spec) + digits, zero=False)


def _prefix(digits: str, verb: str, spec: _Spec) -> str:
    octal = spec.sharp and verb in "oO" and not digits.startswith("0")
    plain = {"b": "0b", "x": "0x", "X": "0X"}.get(verb, "") if spec.sharp else ""
    return ("0o" if verb == "O" else "") + ("0" if octal else "") + plain


def _rune(value: int, verb: str, spec: _Spec) -> str:
    valid = 0 <= value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF
    char = chr(value) if valid else _REPLACEMENT
    if verb == "c":
        return spec.pad(char)
    if verb == "q":
        return spec.pad(quote(char, "'", ascii_only=spec.plus))
    digits = format(value % (1 << 64), "X").rjust(max(4, spec.precision or 0), "0")
    shown = f" '{chr(value)}'" if spec.sharp and valid and is_printable(chr(value)) else ""
    return spec.pad(f"U+{digits}{shown}", zero=False)


def _big(value: int, verb: str, spec: _Spec) -> str:
    # big.Int formats itself (math/big/intconv.go): %s works, zeros go behind the prefix.
    if verb in "pw":  # an address, and the insides of the struct
        raise UnsupportedError(f"sprintf: %{verb} of {value}")
    spec.plus = spec.plus or spec.plus_v
    if verb not in _BASES:
        return f"%!{verb}(big.Int={value})"
    sign = spec.sign(negative=value < 0)
    digits = format(abs(value), _BASES[verb])
    prefix = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}.get(verb, "") if spec.sharp else ""
    prefix = "0o" if verb == "O" else prefix
    digits = digits.rjust(spec.precision or 0, "0")
    if spec.zero and spec.precision is None and not spec.minus:
        digits = digits.rjust((spec.width or 0) - len(sign) - len(prefix), "0")
    return spec.pad(sign + prefix + digits, zero=False)


def _float(value: float, verb: str, spec: _Spec) -> str | None:
    if verb not in "vbgGxXfFeE":
        return None
    if verb in "bxX" or spec.sharp:
        raise UnsupportedError(f"sprintf: %{'#' if spec.sharp else ''}{verb} of {value}")
    number = _digits(abs(value), verb.replace("F", "f").replace("v", "g"), spec.precision)
    negative = str(value).startswith("-")  # -0.0, too
    sign = spec.sign(negative=negative)
    if sign and spec.zero and not spec.minus and (spec.plus or sign != "+"):
        return sign + number.rjust((spec.width or 0) - 1, "0")
    return spec.pad(sign + number)


def _digits(value: float, verb: str, precision: int | None) -> str:
    if verb in "gG" and precision is None:
        return _shortest(value, verb)
    # Beyond 1,100 digits a double has only zeros, and Python refuses precisions over 2^31.
    return f"%.{6 if precision is None else precision}{verb}" % value


def _shortest(value: float, verb: str) -> str:
    """As many digits as it takes to read ``value`` back; an exponent below -4 and from 6 on."""
    digits, exponent = _scientific(value)
    if exponent < -4 or exponent >= 6:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        sign = "-" if exponent < 0 else "+"
        text = f"{digits[0]}{tail}e{sign}{abs(exponent):02d}"
        return text.upper() if verb == "G" else text
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    rest = digits[exponent + 1 :]
    return f"{whole}.{rest}" if rest else whole


def _scientific(value: float) -> tuple[str, int]:
    # repr() gives the shortest digits; only the notation differs from Go's.
    mantissa, _, power = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return "0", 0
    leading = len(whole + fraction) - len(digits)
    return digits.rstrip("0"), int(power or 0) + len(whole) - 1 - leading
