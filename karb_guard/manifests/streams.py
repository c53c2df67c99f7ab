"""A file's text -> its raw documents; one that doesn't parse never hides the others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from karb_guard.manifests import json_text, splitting, wording
from karb_guard.manifests.decoding import BAD_BYTE, Decoded, bad_byte
from karb_guard.manifests.limits import Limits
from karb_guard.manifests.marks import Layout, Mark
from karb_guard.manifests.problem import ParseProblem, RefusedError
from karb_guard.manifests.text import SourceText

if TYPE_CHECKING:
    from karb_guard.manifests.composing import Composed

# What libyaml's reader takes, inverted; goyaml's is the same.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
)
_MEANS_JSON = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\[{\"\]])")


@dataclass(frozen=True, slots=True)
class Raw:
    """A document of any shape, before anybody asks whether it is a Kubernetes object."""

    value: Any
    layout: Layout
    index: int
    """Which document of the file it is, from 0."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A value, how to get its marks, and the offset in the file that its marks count from."""

    value: Any
    marks: Callable[[], Mark]
    base: int = 0


def documents_of(decoded: Decoded, limits: Limits) -> Iterator[Raw | ParseProblem]:
    """Every document of the text, in order; a problem in the place of one that can't be read."""
    if decoded.clean and json_text.looks_like_json(decoded.source.text):
        found = _json_or_yaml(decoded, limits)
    else:
        found = _yaml(decoded, limits)
    for index, item in enumerate(found):
        if isinstance(item, ParseProblem):
            yield item
        else:
            yield Raw(item.value, Layout(decoded.source, item.marks, item.base), index)


def _json_or_yaml(decoded: Decoded, limits: Limits) -> Iterator[_Found | ParseProblem]:
    """Like kubectl: JSON first; what is no JSON may still be YAML."""
    source = decoded.source
    try:
        values = list(json_text.load(source.text, limits))
    except RefusedError as error:
        return iter([_refused(error, source, 0)])
    except json.JSONDecodeError as error:
        return _yaml_after(error, decoded, limits)
    return (_Found(each.value, partial(json_text.scan, source.text, each.start)) for each in values)


def _yaml_after(
    error: json.JSONDecodeError, decoded: Decoded, limits: Limits
) -> Iterator[_Found | ParseProblem]:
    """The YAML documents; if there are none and the file means to be JSON, JSON's own error."""
    found = list(_yaml(decoded, limits))
    source = decoded.source
    if len(found) == 1 and isinstance(found[0], ParseProblem) and _MEANS_JSON.match(source.text):
        words = f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}", "mend the JSON"
        return iter([_syntax(source, (0, len(source.text)), error.pos, *words)])
    return iter(found)


def _yaml(decoded: Decoded, limits: Limits) -> Iterator[_Found | ParseProblem]:
    """The whole stream at once; from the first document that fails on, one by one."""
    import yaml

    from karb_guard.manifests.composing import compose

    done: list[Composed] = []
    try:
        if decoded.clean:
            done.extend(islice(compose(decoded.source.text, limits), limits.documents + 1))
            return iter(_kept(done))
    except yaml.reader.ReaderError:
        done = []  # it reads ahead: what stands before it is not known
    except (RefusedError, yaml.YAMLError):
        pass
    return _one_by_one(decoded, limits, done)


def _kept(done: list[Composed]) -> list[_Found | ParseProblem]:
    return [_Found(one.value, partial(_same, one.mark)) for one in done]


def _one_by_one(
    decoded: Decoded, limits: Limits, done: list[Composed]
) -> Iterator[_Found | ParseProblem]:
    """What was read before the failure, then each further chunk by itself.

    The chunk of the last document that was read is read again: the failure may be in it.
    """
    last = done[-1].start if done else 0
    again = [span for span in splitting.chunks(decoded.source.text) if span[1] > last]
    first = again[0][0] if again else 0
    yield from _kept([one for one in done if one.start < first])
    for span in again:
        yield from _chunk(decoded, span, limits)


def _chunk(
    decoded: Decoded, span: tuple[int, int], limits: Limits
) -> Iterator[_Found | ParseProblem]:
    """The documents of one chunk (usually one), or the problem that keeps it from being read."""
    import yaml

    from karb_guard.manifests.composing import NotAKeyError, compose

    start, end = span
    source = decoded.source
    piece = source.text[start:end]
    if bad := _FORBIDDEN.search(piece):
        return iter([_bad_character(decoded, start + bad.start())])
    try:
        done = list(compose(piece, limits))
    except NotAKeyError as error:
        index = start + error.index
        return iter([_syntax(source, span, index, f"not YAML: {error.message}", error.remedy)])
    except RefusedError as error:
        return iter([_refused(error, source, start)])
    except yaml.MarkedYAMLError as error:
        return iter([_syntax(source, span, *wording.yaml_error(error, source, start))])
    except yaml.YAMLError as error:
        return iter([_problem(source, start, f"not YAML: {error}", "")])
    return iter([_Found(one.value, partial(_same, one.mark), start) for one in done])


def _bad_character(decoded: Decoded, index: int) -> ParseProblem:
    character = decoded.source.text[index]
    if not decoded.clean and BAD_BYTE.match(character):
        return _problem(decoded.source, index, *bad_byte(decoded, index))
    return _problem(decoded.source, index, *wording.bad_character(character))


def _syntax(
    source: SourceText, span: tuple[int, int], index: int, message: str, remedy: str
) -> ParseProblem:
    """A syntax error; where a template marker causes it, the template is what is told."""
    template = splitting.template_at(source.text, *span, index)
    if template is None:
        return _problem(source, index, message, remedy)
    marker = source.text[template : template + 2]
    return _problem(source, template, *wording.template(marker))


def _refused(error: RefusedError, source: SourceText, base: int) -> ParseProblem:
    message = error.message
    if error.first is not None:
        first, again = (source.locate(base + at)[0] for at in (error.first, error.index))
        message += f": first on line {first}, again on line {again}"
    return _problem(source, base + error.index, message, error.remedy)


def _problem(source: SourceText, index: int, message: str, remedy: str) -> ParseProblem:
    line, column = source.locate(min(index, len(source.text)))
    return ParseProblem(source.name, line, column, message, remedy)


def _same(mark: Mark) -> Mark:
    return mark
