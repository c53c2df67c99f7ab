"""The parser's own errors, said so that the author of a manifest knows what to do."""

from __future__ import annotations

import unicodedata
from typing import Any

from karb_guard.manifests.text import SourceText

_QUOTE = "check the indentation, and put the value in quotes if it holds `{`, `[`, `: ` or ` #`"
_WORDS: tuple[tuple[str, str, str], ...] = (
    ("violates indentation", "a tab in the indentation", "YAML indents with spaces only"),
    (
        "mapping values are not allowed",
        "a `:` where no key can stand",
        "indent the line like its neighbours, or put a value that holds `: ` in quotes",
    ),
    (
        "block sequence entries are not allowed",
        "a `- ` where no list can start",
        "put the list on the lines below its key",
    ),
    ("could not find expected ':'", "a line that is neither `key: value` nor a list item", _QUOTE),
    ("did not find expected key", "neither the next key of the mapping nor its end", _QUOTE),
    ("expected <block end>", "neither the next key of the mapping nor its end", _QUOTE),
    (
        "did not find expected '-' indicator",
        "neither the next `- ` of the list nor its end",
        "indent the line like its neighbours",
    ),
    (
        "did not find expected <document start>",
        "something after the end of the document",
        "indent the line like the lines above, or start a new document with `---`",
    ),
    (
        "did not find expected ',' or",
        "neither `,` nor the closing bracket",
        "close the bracket, or put the value in quotes",
    ),
    ("unexpected end of stream", "a quote that is never closed", "close the quote"),
    ("unexpected document indicator", "a `---` inside of a quoted string", "close the quote"),
    ("unknown escape", "an unknown escape in a double-quoted string", "write `\\\\`, or use '...'"),
    ("undefined tag handle", "an undefined tag", "remove the `!tag`, or quote the value"),
    ("incompatible YAML document", "an unsupported %YAML version", "remove the %YAML line"),
    ("unknown directive", "a `%` line that YAML doesn't know", "quote the value, or remove it"),
)


def yaml_error(error: Any, source: SourceText, base: int) -> tuple[int, str, str]:
    """A ``yaml.MarkedYAMLError`` -> (offset in the file, message, remedy)."""
    mark = error.problem_mark or error.context_mark
    index = base + mark.index if mark else base
    text: str = error.problem or error.context or str(error)
    message, remedy = _explain(text, source.text, index)
    context = error.context_mark
    if context and ("end of stream" in text or "document indicator" in text):
        index = base + context.index  # the opening quote; the parser stops far below
    elif context and "while parsing" in (error.context or ""):
        opened = source.locate(base + context.index)[0]
        if opened != source.locate(index)[0]:
            message += f" ({error.context} that starts on line {opened})"
    return index, f"not YAML: {message}", remedy


def _explain(problem: str, text: str, index: int) -> tuple[str, str]:
    if "cannot start any token" in problem:
        return _bad_start(text[index : index + 1])
    before = text[index - 1 : index]
    if before in tuple("}]\"'") and ("expected key" in problem or "<block end>" in problem):
        rest = text[index : index + 30].split("\n", 1)[0].rstrip()
        return f"`{rest}` after the closing `{before}` of a value", (
            "put the whole value in quotes, or fill in the placeholder"
        )
    for part, message, remedy in _WORDS:
        if part in problem:
            return message, remedy
    return problem, _QUOTE


def _bad_start(character: str) -> tuple[str, str]:
    if character == "\t":
        return "a tab in the indentation", "YAML indents with spaces only"
    return f"a value can't start with `{character}`", "put the value in quotes"


def bad_character(character: str) -> tuple[str, str]:
    """Message and remedy for a character that YAML forbids."""
    code = f"U+{ord(character):04X}"
    if character == "\ufeff":
        return f"a byte order mark ({code}) inside of the file", "remove it"
    if character == "\x00":
        return f"a NUL character ({code})", "is this a text file? remove it"
    name = unicodedata.name(character, "control character")
    return f"the character {code} ({name.lower()}) is not allowed in YAML", (
        "remove it, or write it as an escape in double quotes"
    )


def template(marker: str) -> tuple[str, str]:
    """Message and remedy for a file that is a template of manifests (``{{`` or ``{%``)."""
    if marker == "{%":
        return "looks like a Jinja template, not a manifest", "render it first"
    return "looks like a Helm/Go template, not a manifest", "render it first (helm template ...)"
