"""Field types as data, and the one walk that checks a value against them.

A field of a wrong type is reported and *cut out of a copy*, so that neither Rego nor the facts
ever meet it. The walk never changes its input and gives the same value back where nothing is
wrong, so that identity says "clean" and a clean object costs no copies. Values that JSON can't
carry (YAML's dates, NaN, keys that are no strings) are cut out wherever they stand.

The walk recurses: bounds (``facts.limits``) are checked before.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, NamedTuple, Protocol

from karb_guard.model.finding import Path
from karb_guard.values.quantity import QuantityError, parse_quantity

MAX_SHOWN = 80
"""Characters of an offending value that are repeated in a message."""

CUT: Any = object()
"""What a type answers for a value that has to go."""


class Malformed(NamedTuple):
    """A field whose value Kubernetes would not read."""

    path: Path
    """In the object as written."""
    expected: str
    """Fits after "must be": ``an array``, ``a 32-bit integer``."""
    got: str
    """Fits after "not": ``a string``, ``null``, ``'16GB'``."""


class Fault:
    """A malformed field while the walk is under way; its path grows from the inside out."""

    __slots__ = ("expected", "got", "steps")

    def __init__(self, expected: str, got: str) -> None:
        self.steps: list[str | int] = []
        self.expected = expected
        self.got = got

    def relative(self) -> Path:
        """The path from where the walk began."""
        return tuple(reversed(self.steps))


class Type(Protocol):
    """What a value has to be."""

    expected: str
    exact: type | None
    """Any value of exactly this Python type is right; ``None``: a look inside is needed."""
    null: Any
    """What the API server reads for null: ``CUT`` (unset) nearly everywhere."""

    def clean(self, value: Any, faults: list[Fault]) -> Any:
        """``value`` itself, a repaired copy, or ``CUT``; what was wrong is added to ``faults``."""
        ...


_WORDS = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def word(value: Any) -> str:
    """JSON's word for the type of ``value``; for what JSON lacks, the name of YAML's type."""
    return _WORDS.get(type(value)) or f"a YAML {type(value).__name__}"


def shown(value: Any) -> str:
    """A value as it stands in a message, cut to ``MAX_SHOWN`` characters."""
    text = repr(value) if isinstance(value, (str, float)) or _is_short(value) else word(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _is_short(value: Any) -> bool:
    return type(value) is int and -(2**64) <= value <= 2**64


def _wrong(expected: str, got: str, faults: list[Fault]) -> Any:
    faults.append(Fault(expected, got))
    return CUT


def _name(faults: list[Fault], start: int, step: str | int) -> int:
    """Put the faults from ``start`` on below ``step``; returns where the next one will be."""
    for fault in faults[start:]:
        fault.steps.append(step)
    return len(faults)


def _unnamed(key: Any, item: Any, faults: list[Fault]) -> Any:
    """The value of a field without a type of its own."""
    if type(key) is not str:
        return _wrong("a string as key", word(key), faults)
    return ANYTHING.clean(item, faults)


class Scalar:
    """A string or a boolean."""

    def __init__(self, exact: type, expected: str, null: Any = CUT) -> None:
        self.exact: type | None = exact
        self.expected = expected
        self.null = null

    def clean(self, value: Any, faults: list[Fault]) -> Any:
        """The value, if it has the type."""
        return value if type(value) is self.exact else _wrong(self.expected, word(value), faults)


class Integer:
    """A whole number within bounds. A float without fraction counts: YAML's ``2.0`` is JSON's 2."""

    exact: type | None = None
    null: Any = CUT

    def __init__(self, bits: int, *, or_string: bool = False) -> None:
        self._low, self._high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        self._or_string = or_string
        self.expected = f"a {bits}-bit integer" + (" or a string" if or_string else "")

    def clean(self, value: Any, faults: list[Fault]) -> Any:
        """The value as an ``int``, if it is a whole number in bounds."""
        if type(value) is int:
            number = value
        elif self._or_string and type(value) is str:
            return value
        elif type(value) is float and value.is_integer():
            number = int(value)
        else:
            number = None
        if number is None or not self._low <= number <= self._high:
            got = shown(value) if type(value) in (int, float) else word(value)
            return _wrong(self.expected, got, faults)
        return value if number is value else number


class QuantityText:
    """A ``resource.Quantity``, kept as written."""

    expected = "a quantity such as 500m or 16Gi"
    exact: type | None = None

    def __init__(self, null: Any = "0") -> None:
        self.null = null

    def clean(self, value: Any, faults: list[Fault]) -> Any:
        """The value as written, if it parses."""
        if type(parse_quantity(value)) is QuantityError:
            got = shown(value) if type(value) in (str, int, float) else word(value)
            return _wrong(self.expected, got, faults)
        return value


class Anything:
    """A field that no policy reads by type: any JSON value. What is no JSON is cut out of it."""

    expected = "a JSON value"
    exact: type | None = None
    null: Any = None

    def clean(self, value: Any, faults: list[Fault]) -> Any:
        """The value with all below it that JSON can carry."""
        kind = type(value)
        if kind is str or kind is bool or value is None:
            return value
        if kind is dict:
            return _ANY_OBJECT.clean(value, faults)
        if kind is list:
            return _ANY_LIST.clean(value, faults)
        if kind is int and -(2**63) <= value < 2**64:
            return value
        if kind is float and isfinite(value):
            return value
        got = (
            "a number beyond 64 bits"
            if kind is int
            else shown(value)
            if kind is float
            else word(value)
        )
        return _wrong(self.expected, got, faults)


class Object:
    """A map of named fields; fields that are not named pass as ``Anything``."""

    expected = "an object"
    exact: type | None = None
    null: Any = CUT

    def __init__(self, fields: Mapping[str, Type]) -> None:
        self.fields = dict(fields)
        self._exact = {name: field.exact for name, field in fields.items() if field.exact}

    def clean(self, value: Any, faults: list[Fault]) -> Any:
        """The map without nulls and without what has a wrong type."""
        if type(value) is not dict:
            return _wrong(self.expected, word(value), faults)
        exact, fields = self._exact, self.fields
        changes: list[tuple[Any, Any]] = []
        # A fault always comes with a change, so those from ``start`` on are the current field's.
        start = len(faults)
        for key, item in value.items():
            kind = type(item)
            if exact.get(key) is kind:
                continue
            field = fields.get(key)
            if field is None:
                new = _unnamed(key, item, faults)
            elif item is None:
                new = field.null
            else:
                new = field.clean(item, faults)
            if new is not item:
                start = _name(faults, start, key if type(key) is str else str(key)[:MAX_SHOWN])
                changes.append((key, new))
        return _changed(value, changes) if changes else value


class Entries:
    """A map whose keys the author chooses: labels, resource lists."""

    expected = "an object"
    exact: type | None = None
    null: Any = CUT

    def __init__(self, entry: Type) -> None:
        self._entry = entry

    def clean(self, value: Any, faults: list[Fault]) -> Any:
        """The map without entries whose key is no string or whose value has a wrong type."""
        if type(value) is not dict:
            return _wrong(self.expected, word(value), faults)
        entry, exact = self._entry, self._entry.exact
        changes: list[tuple[Any, Any]] = []
        start = len(faults)
        for key, item in value.items():
            if type(key) is not str:
                new = _wrong("a string as key", word(key), faults)
            elif type(item) is exact:
                continue
            else:
                new = entry.null if item is None else entry.clean(item, faults)
            if new is not item:
                start = _name(faults, start, key if type(key) is str else str(key)[:MAX_SHOWN])
                changes.append((key, new))
        return _changed(value, changes) if changes else value


class List:
    """An array. An element of a wrong type (null too) is reported.

    An element that should be an object is replaced by an empty one, because the places of the
    others in the array are part of every finding's path; any other element is left out.
    """

    expected = "an array"
    exact: type | None = None
    null: Any = CUT

    def __init__(self, element: Type) -> None:
        self._element = element
        self._keeps_place = isinstance(element, (Object, Entries))

    def clean(self, value: Any, faults: list[Fault]) -> Any:
        """The array without elements of a wrong type."""
        if type(value) is not list:
            return _wrong(self.expected, word(value), faults)
        element, exact = self._element, self._element.exact
        changes: dict[int, Any] = {}
        start = len(faults)
        for index, item in enumerate(value):
            if type(item) is exact:
                continue
            new = element.clean(item, faults)
            if new is not item:
                start = _name(faults, start, index)
                changes[index] = {} if new is CUT and self._keeps_place else new
        if not changes:
            return value
        items = [changes.get(index, item) for index, item in enumerate(value)]
        return [item for item in items if item is not CUT]


class Unread:
    """A field that is looked at elsewhere (a PodSpec's containers)."""

    expected = "anything"
    exact: type | None = None
    null: Any = CUT

    def clean(self, value: Any, faults: list[Fault]) -> Any:
        """The value, unseen."""
        return value


def _changed(value: dict[Any, Any], changes: list[tuple[Any, Any]]) -> dict[str, Any]:
    copy = dict(value)
    for key, new in changes:
        if new is CUT:
            del copy[key]
        else:
            copy[key] = new
    return copy


STRING = Scalar(str, "a string")
BOOLEAN = Scalar(bool, "a boolean")
INT32 = Integer(32)
INT64 = Integer(64)
INT_OR_STRING = Integer(32, or_string=True)
QUANTITY = QuantityText()
# Of a field that is a pointer in Go.
OPTIONAL_QUANTITY = QuantityText(null=CUT)
ANYTHING = Anything()
ANY_OBJECT = Object({})
UNREAD = Unread()
STRINGS = List(STRING)
# encoding/json reads a null in a map of strings as the empty string.
STRING_MAP = Entries(Scalar(str, "a string", null=""))
QUANTITIES = Entries(QUANTITY)
_ANY_OBJECT = Entries(ANYTHING)
_ANY_LIST = List(ANYTHING)


def check(kind: Type, value: Any, base: Path) -> tuple[Any, list[Malformed]]:
    """``value`` cleaned (``CUT`` if nothing is left) and what was wrong with it, below ``base``."""
    faults: list[Fault] = []
    clean = kind.clean(value, faults)
    return clean, [
        Malformed(base + fault.relative(), fault.expected, fault.got) for fault in faults
    ]
