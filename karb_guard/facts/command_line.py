"""The commands that a container starts, as far as its ``command`` and ``args`` show them.

What the kubelet does with ``$(NAME)`` is done here (k8s.io/kubernetes third_party/forked/golang/
expansion). Of a shell script (``sh -c``) the simple commands are read, without running anything:
whatever a shell would have to work out becomes ``HIDDEN``, never a guess.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from posixpath import basename
from typing import Any, NamedTuple

from karb_guard.model.patterns import lazy

HIDDEN = "\0"
"""Stands in a word for what is not visible here: a value from a Secret, of a command, of ``$@``."""

MAX_SCRIPT = 20_000
"""Characters of a script that are read."""

MAX_READ = 100_000
"""Characters of all scripts of one object, and of what references to variables add to its texts,
with one for each reference.

A variable may name another one twice, so thirty of them would make a gigabyte of one character;
and each character of a script costs up to 2.5 µs."""

_HIDDEN_RUN = lazy(f"{HIDDEN}{{2,}}")
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
    cut: bool = False
    """Something is longer than is read, and ``HIDDEN`` or left out."""


class Budget:
    """The characters that may still be read, of one object."""

    __slots__ = ("left",)

    def __init__(self, left: int = MAX_READ) -> None:
        self.left = left

    def take(self, characters: int) -> bool:
        """Whether there are so many left; they are gone then."""
        enough = characters <= self.left
        if enough:
            self.left -= characters
        return enough


def command_line(spec: Mapping[str, Any], budget: Budget | None = None) -> CommandLine:
    """The commands of a sanitized container, as far as the object's ``budget`` goes."""
    reader = _Reader(budget or Budget())
    variables = reader.environment(spec)
    words = [
        Word(reader.expanded(text, variables), field, index)
        for field in ("command", "args")
        for index, text in enumerate(spec.get(field) or ())
    ]
    entrypoint = not spec.get("command")
    script = None if entrypoint else _script(words)
    if script is None:
        return CommandLine([words] if words else [], entrypoint, variables, reader.cut)
    commands = reader.read(script, dict(variables))
    return CommandLine(commands, False, variables, reader.cut)


class _Reader:
    """Reads one container, and remembers whether anything of it was too long."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.cut = False

    def environment(self, spec: Mapping[str, Any]) -> dict[str, str]:
        """Later entries win, and may refer to earlier ones."""
        variables: dict[str, str] = {}
        for entry in spec.get("env") or ():
            name, value = entry.get("name"), entry.get("value", "")
            if name:
                hidden = "valueFrom" in entry
                variables[name] = HIDDEN if hidden else self.expanded(value, variables)
        return variables

    def expanded(self, text: str, variables: Mapping[str, str]) -> str:
        """``$(NAME)`` as the kubelet replaces it; what it doesn't know stays as it is."""

        def value(found: re.Match[str]) -> str:
            name = found.group(1)
            return "$" if name is None else variables.get(name, found.group(0))

        return self._replaced(_REFERENCE, value, text)

    def read(self, script: Word, variables: dict[str, str]) -> list[Command]:
        """The simple commands of a script; none of one that can't be read."""
        length = len(script.text)
        if length > MAX_SCRIPT or not self._budget.take(length):
            self.cut = True
            return []
        try:
            return list(self._commands(script, variables))
        except ValueError:  # shlex: an open quotation
            return []

    def _commands(self, script: Word, variables: dict[str, str]) -> Iterator[Command]:
        """In their order; assignments before one hold for the rest."""
        command: Command = []
        for token in [*_tokens(script.text), "\n"]:
            if token[0] not in _BREAKS:
                command.append(script._replace(text=token))
            elif command:
                yield from self._simple(command, variables)
                command = []

    def _simple(self, command: Command, variables: dict[str, str]) -> Iterator[Command]:
        texts = [self._substituted(word.text, variables) for word in command]
        words = iter([command[0]._replace(text=text) for text in texts])
        rest: Command = []
        for word in words:
            assigned = _ASSIGNMENT.fullmatch(word.text)
            if assigned:
                variables[assigned.group(1)] = assigned.group(2)
            elif word.text not in _PREFIXES:
                rest = [word, *words]
        if rest:
            yield rest

    def _substituted(self, text: str, variables: Mapping[str, str]) -> str:
        """Shell variables with their values; ``HIDDEN`` for all that a shell has to work out."""
        return self._replaced(_VARIABLE, lambda found: _variable(found, variables), text)

    def _replaced(
        self, references: re.Pattern[str], value: Callable[[re.Match[str]], str], text: str
    ) -> str:
        """``text`` with its references' values, which are measured before they are joined.

        Each reference counts as a character of its own: to look one up takes as long.
        """
        if "$" not in text:
            return text
        parts: list[str] = []
        end = cost = 0
        for found in references.finditer(text):
            new = value(found)
            cost += 1 + max(0, len(new) - len(found.group()))
            if cost > self._budget.left:
                self.cut = True
                return HIDDEN
            parts += (text[end : found.start()], new)
            end = found.end()
        self._budget.take(cost)
        return _HIDDEN_RUN.sub(HIDDEN, "".join((*parts, text[end:])))


def _script(words: Sequence[Word]) -> Word | None:
    """The script of ``sh -c script``; ``None`` where no shell is started."""
    if basename(words[0].text) not in _SHELLS:
        return None
    for index, word in enumerate(words[1:-1], start=1):
        if word.text.startswith("-") and not word.text.startswith("--") and "c" in word.text:
            return words[index + 1]
    return None


def _tokens(script: str) -> list[str]:
    text = _SUBSTITUTION.sub(HIDDEN, script.replace("\\\n", " "))
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|()\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    return [token for token in lexer if token]


def _variable(found: re.Match[str], variables: Mapping[str, str]) -> str:
    name = found.group(1) or found.group(2)
    return variables.get(name, HIDDEN) if name else HIDDEN
