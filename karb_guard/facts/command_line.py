"""The commands that a container starts, as far as its ``command`` and ``args`` show them.

What the kubelet does with ``$(NAME)`` is done here (k8s.io/kubernetes third_party/forked/golang/
expansion). Of a shell script (``sh -c``) the simple commands are read, without running anything:
whatever a shell would have to work out becomes ``HIDDEN``, never a guess.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from posixpath import basename
from typing import Any, NamedTuple

from karb_guard.model.patterns import lazy

HIDDEN = "\0"
"""Stands in a word for what is not visible here: a value from a Secret, of a command, of ``$@``."""

MAX_SCRIPT = 20_000
"""Characters of a script that are read."""

_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "ksh", "busybox"})
_REFERENCE = lazy(r"\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)")
_SUBSTITUTION = lazy(r"\$\(\([^()]*\)\)|\$\([^()]*\)|`[^`]*`")
_VARIABLE = lazy(r"\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)|\$[{@*#?!0-9$(-][^}]*\}?")
_ASSIGNMENT = lazy(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_BREAKS = frozenset(";&|()\n")
_PREFIXES = frozenset(
    {"exec", "export", "env", "nohup", "time", "command", "then", "do", "else", "if", "!", "{"}
)


class Word(NamedTuple):
    """One word of a command, and the element of ``command`` or ``args`` that it stands in."""

    text: str
    field: str
    place: int


Command = list[Word]


class CommandLine(NamedTuple):
    """What a container starts."""

    commands: list[Command]
    """Each simple command; none of a script that can't be read. Where the image's entrypoint is
    started, the one holds its arguments."""
    entrypoint: bool
    """The image's entrypoint is what is started: the container names no ``command``."""
    variables: Mapping[str, str]
    """The environment, ``HIDDEN`` where a value comes from elsewhere."""


def command_line(spec: Mapping[str, Any]) -> CommandLine:
    """The commands of a sanitized container."""
    variables = _environment(spec)
    words = [
        Word(_expanded(text, variables), field, index)
        for field in ("command", "args")
        for index, text in enumerate(spec.get(field) or ())
    ]
    entrypoint = not spec.get("command")
    script = None if entrypoint else _script(words)
    if script is None:
        return CommandLine([words] if words else [], entrypoint, variables)
    return CommandLine(_read(script, dict(variables)), False, variables)


def _read(script: Word, variables: dict[str, str]) -> list[Command]:
    if len(script.text) > MAX_SCRIPT:
        return []
    try:
        return list(_commands(script, variables))
    except ValueError:  # shlex: an open quotation
        return []


def _environment(spec: Mapping[str, Any]) -> dict[str, str]:
    """Later entries win, and may refer to earlier ones."""
    variables: dict[str, str] = {}
    for entry in spec.get("env") or ():
        name, value = entry.get("name"), entry.get("value", "")
        if name:
            variables[name] = HIDDEN if "valueFrom" in entry else _expanded(value, variables)
    return variables


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    """``$(NAME)`` as the kubelet replaces it; what it doesn't know stays as it is."""
    if "$" not in text:
        return text

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        return "$" if name is None else variables.get(name, found.group(0))

    return _REFERENCE.sub(value, text)


def _script(words: Sequence[Word]) -> Word | None:
    """The script of ``sh -c script``; ``None`` where no shell is started."""
    if basename(words[0].text) not in _SHELLS:
        return None
    for index, word in enumerate(words[1:-1], start=1):
        if word.text.startswith("-") and not word.text.startswith("--") and "c" in word.text:
            return words[index + 1]
    return None


def _commands(script: Word, variables: dict[str, str]) -> Iterator[Command]:
    """The simple commands of a script, in their order; assignments before one hold for the rest."""
    command: Command = []
    for token in [*_tokens(script.text), "\n"]:
        if token[0] not in _BREAKS:
            command.append(script._replace(text=token))
        elif command:
            yield from _simple(command, variables)
            command = []


def _tokens(script: str) -> list[str]:
    text = _SUBSTITUTION.sub(HIDDEN, script.replace("\\\n", " "))
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|()\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    return [token for token in lexer if token]


def _simple(command: Command, variables: dict[str, str]) -> Iterator[Command]:
    words = iter([word._replace(text=_substituted(word.text, variables)) for word in command])
    rest: Command = []
    for word in words:
        assigned = _ASSIGNMENT.fullmatch(word.text)
        if assigned:
            variables[assigned.group(1)] = assigned.group(2)
        elif word.text not in _PREFIXES:
            rest = [word, *words]
    if rest:
        yield rest


def _substituted(text: str, variables: Mapping[str, str]) -> str:
    """Shell variables with their values; ``HIDDEN`` for all that a shell has to work out."""
    if "$" not in text:
        return text
    return _VARIABLE.sub(lambda found: _variable(found, variables), text)


def _variable(found: re.Match[str], variables: Mapping[str, str]) -> str:
    name = found.group(1) or found.group(2)
    return variables.get(name, HIDDEN) if name else HIDDEN
