"""How long a container sleeps before it is told to stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from karb_guard.model.patterns import lazy

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_COMMAND = lazy(r"(?:^|[;&|({\s/])sleep[ \t]+([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd]?)(?![\w.$])")
"""``sleep 15`` in a shell's line, also ``/bin/sleep 1m``; not ``sleep $DELAY``."""
_MAX_TEXT = 10_000
_MAX_ARGUMENTS = 100


def stop_sleep(lifecycle: Any) -> float | int | None:
    """The seconds that ``preStop`` sleeps: natively, or by a ``sleep`` of its command.

    ``None`` where it doesn't sleep, or how long can't be told. Of several sleeps the longest, which
    may be one branch of a script: no less than that.
    """
    hook = lifecycle.get("preStop") if isinstance(lifecycle, Mapping) else None
    if not isinstance(hook, Mapping):
        return None
    native = hook.get("sleep")
    if isinstance(native, Mapping) and type(native.get("seconds")) is int:
        return native["seconds"]  # type: ignore[no-any-return]  # an int, as was just asked
    command = hook.get("exec")
    return _slept(command.get("command")) if isinstance(command, Mapping) else None


def _slept(command: Any) -> float | int | None:
    if not isinstance(command, list) or len(command) > _MAX_ARGUMENTS:
        return None
    text = " ".join(part for part in command if isinstance(part, str))
    found = _COMMAND.findall(text[:_MAX_TEXT])
    longest = max((float(number) * _UNITS[unit] for number, unit in found), default=None)
    return int(longest) if longest is not None and longest.is_integer() else longest
