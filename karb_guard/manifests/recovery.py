"""What is left of a file when something in it doesn't parse: the other documents, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from karb_guard.manifests import splitting, wording
from karb_guard.manifests.composing import Composed, NotAKeyError, compose
from karb_guard.manifests.decoding import BAD_BYTE, Decoded, bad_byte
from karb_guard.manifests.found import Found, from_yaml
from karb_guard.manifests.json_text import NotJsonError
from karb_guard.manifests.limits import Limits
from karb_guard.manifests.problem import ParseProblem, RefusedError
from karb_guard.manifests.text import SourceText

_MEANS_JSON = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\[{\"\]])")
# What libyaml's reader refuses, goyaml's too, and byte order marks at the start of a line.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]|^\ufeff",
    re.MULTILINE,
)


def not_json(
    error: NotJsonError, source: SourceText, as_yaml: list[Found | ParseProblem]
) -> Iterator[Found | ParseProblem]:
    """What to tell of a text that is no JSON: the YAML in it, or JSON's own error."""
    failed = len(as_yaml) == 1 and isinstance(as_yaml[0], ParseProblem)
    if failed and _MEANS_JSON.match(source.text):
        words = f"not JSON: {error}", "mend the JSON"
        return iter([syntax(source, (0, len(source.text)), error.index, *words)])
    return iter(as_yaml)


def one_by_one(
    decoded: Decoded, limits: Limits, done: list[Composed]
) -> Iterator[Found | ParseProblem]:
    """What was read before the failure, then each further chunk by itself.

    The chunk of the last document that was read is read again: the failure may be in it.
    """
    last = done[-1].start if done else 0
    again = [span for span in splitting.chunks(decoded.source.text) if span[1] > last]
    first = again[0][0] if again else 0
    yield from (from_yaml(one) for one in done if one.start < first)
    for span in again:
        yield from _chunk(decoded, span, limits)


def _chunk(
    decoded: Decoded, span: tuple[int, int], limits: Limits
) -> Iterator[Found | ParseProblem]:
    """The documents of one chunk (usually one), or the problem that keeps it from being read."""
    start, end = span
    source = decoded.source
    piece = source.text[start:end]
    if bad := _FORBIDDEN.search(piece):
        return iter([_bad_character(decoded, start + bad.start())])
    try:
        done = list(compose(piece, limits))
    except NotAKeyError as error:
        index = start + error.index
        return iter([syntax(source, span, index, f"not YAML: {error.message}", error.remedy)])
    except RefusedError as error:
        return iter([refused(error, source, start)])
    except yaml.MarkedYAMLError as error:
        return iter([syntax(source, span, *wording.yaml_error(error, source, start))])
    except yaml.YAMLError as error:
        return iter([_problem(source, start, f"not YAML: {error}", "")])
    return iter([from_yaml(one, start) for one in done])


def _bad_character(decoded: Decoded, index: int) -> ParseProblem:
    character = decoded.source.text[index]
    if not decoded.clean and BAD_BYTE.match(character):
        return _problem(decoded.source, index, *bad_byte(decoded, index))
    return _problem(decoded.source, index, *wording.bad_character(character))


def syntax(
    source: SourceText, span: tuple[int, int], index: int, message: str, remedy: str
) -> ParseProblem:
    """A syntax error; where a template marker causes it, the template is what is told."""
    template = splitting.template_at(source.text, *span, index)
    if template is None:
        return _problem(source, index, message, remedy)
    marker = source.text[template : template + 2]
    return _problem(source, template, *wording.template(marker))


def refused(error: RefusedError, source: SourceText, base: int) -> ParseProblem:
    """The problem of a refused document; ``base`` is where the offsets of ``error`` begin."""
    message = error.message
    if error.first is not None:
        first, again = (source.locate(base + at)[0] for at in (error.first, error.index))
        message += f": first on line {first}, again on line {again}"
    return _problem(source, base + error.index, message, error.remedy)


def _problem(source: SourceText, index: int, message: str, remedy: str) -> ParseProblem:
    line, column = source.locate(min(index, len(source.text)))
    return ParseProblem(source.name, line, column, message, remedy)
