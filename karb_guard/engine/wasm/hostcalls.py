"""What a module calls back for: aborting, and the built-in functions that the host implements.

A callback never raises. The ``wasmtime`` package would keep the exception in a global variable
and raise it in whichever thread traps next. A failure is kept here instead, and the evaluation,
which goes on to its end, counts as failed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import wasmtime

from karb_guard.engine.builtins.errors import UndefinedError, UnsupportedError
from karb_guard.engine.wasm.errors import ModuleError, TrappedError
from karb_guard.engine.wasm.log import logger

_UNDEFINED = 0
"""A built-in that returns the null address is undefined, as OPA's are after an error."""


class Guest(Protocol):
    """What the callbacks need of their instance."""

    def dump(self, address: int) -> str:
        """The value at ``address`` as a Rego literal."""
        ...

    def load(self, literal: str) -> int:
        """The address of a new value."""
        ...

    def text(self, address: int) -> str:
        """The null-terminated string at ``address``."""
        ...

    def find_n(self, pattern: str, value: str, number: int) -> list[str] | None:
        """The matches of an RE2 pattern; ``None`` where the pattern is none."""
        ...

    def trapped(self, error: wasmtime.Trap | wasmtime.WasmtimeError) -> TrappedError:
        """The error in our words."""
        ...


class HostCalls:
    """The callbacks of one instance and what they remember during one evaluation."""

    def __init__(self, guest: Guest, builtins: Mapping[str, Callable[..., Any]]) -> None:
        self._guest = guest
        self._builtins = builtins
        self._by_number: dict[int, tuple[str, Callable[..., Any]]] = {}
        self._now: int | None = None
        self.abort: str | None = None
        """The module's last words, when it aborted."""
        self.failure: TrappedError | None = None
        """Why the answer can't be trusted, though the module didn't trap."""

    def identify(self, numbers: Mapping[str, int]) -> None:
        """Learn the module's numbers for built-ins. Raises ``ModuleError`` for an unknown one."""
        for name, number in numbers.items():
            if name not in self._builtins:
                raise ModuleError(f"the module needs the built-in {name}, which the host lacks")
            self._by_number[number] = (name, self._builtins[name])

    def begin(self) -> None:
        """A new evaluation starts."""
        self.abort = self.failure = self._now = None

    def now(self) -> int:
        """Nanoseconds since 1970, the same for the whole evaluation (as OPA defines it)."""
        if self._now is None:
            self._now = time.time_ns()
        return self._now

    def find_n(self, pattern: str, value: str, number: int) -> list[str] | None:
        """See ``Guest``."""
        return self._guest.find_n(pattern, value, number)

    def called(self, name: str, arguments: tuple[int, ...]) -> int | None:
        """The callback behind the import ``name``."""
        if name == "opa_abort":
            self.abort = self._text(arguments[0])
            return None
        if name == "opa_println":
            logger(__name__).debug("policy: %s", self._text(arguments[0]))
            return None
        # opa_builtinN(number, reserved, operands ...)
        return self._builtin(arguments[0], arguments[2:])

    def _text(self, address: int) -> str:
        try:
            return self._guest.text(address)
        except Exception as error:  # noqa: BLE001 - a callback never raises, see above
            return f"(unreadable: {error})"

    def _builtin(self, number: int, operands: tuple[int, ...]) -> int:
        from karb_guard.engine.builtins.terms import parse_term, write_term  # see `on_demand`

        name, function = self._by_number.get(number, (f"number {number}", _missing))
        try:
            values = [parse_term(self._guest.dump(address)) for address in operands]
            return self._guest.load(write_term(function(self, *values)))
        except UndefinedError:
            return _UNDEFINED
        except TrappedError as error:
            self.failure = error
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            self.failure = self._guest.trapped(error)
        except UnsupportedError as error:
            self.failure = TrappedError("trap", f"the host can't do this: {error}")
        except Exception as error:  # noqa: BLE001 - a callback never raises, see above
            logger(__name__).exception("built-in %s", name)
            self.failure = TrappedError("trap", f"the built-in {name} failed: {error!r}")
        return _UNDEFINED


def _missing(*_: Any) -> Any:
    raise ModuleError("the module called a built-in that it hadn't announced")
