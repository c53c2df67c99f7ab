"""Message templates: ``str.format`` over a violation's detail, reduced to plain names.

Attribute access, indexes, conversions and format specifications are refused: they would let a
template reach into objects, or fail on a value that the policy gives as another type.
"""

from __future__ import annotations

import string

MAX_CHARACTERS = 300


def fault(template: str) -> str | None:
    """What is wrong with ``template``, with the remedy; ``None`` for a good one."""
    if not template.strip():
        return "is empty; say what is wrong, with {names} of the violation's detail"
    if "\n" in template:
        return "holds a line break; a message is one line"
    if len(template) > MAX_CHARACTERS:
        return f"has {len(template)} characters; the most is {MAX_CHARACTERS}"
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError as error:
        return (
            f"{template!r} has unbalanced braces ({error}); write a literal brace as {{{{ or }}}}"
        )
    return next((bad for name, *rest in fields if (bad := _field(name, rest))), None)


def _field(literal: str, rest: list[str | None]) -> str | None:
    name, spec, conversion = rest
    if name is None:
        return None
    if not name.isidentifier():
        return f"placeholder {{{name}}} is not a plain name; name a key of the violation's detail"
    if spec or conversion:
        return f"placeholder {name!r} has a format or conversion; write {{{name}}} alone"
    return None


def names(template: str) -> tuple[str, ...]:
    """The placeholders of a good template, in order, each once."""
    found = (name for _, name, _, _ in string.Formatter().parse(template) if name)
    return tuple(dict.fromkeys(found))
