"""A PATH with exactly the commands that a test wants to be there."""

from __future__ import annotations

import sys
from pathlib import Path

SYSTEM = "/usr/bin:/bin"


def path_with(folder: Path, **commands: Path | str) -> dict[str, str]:
    """An environment whose PATH holds these commands: a program, or the text of a shell script."""
    folder.mkdir(exist_ok=True)
    for name, command in commands.items():
        place = folder / name
        if isinstance(command, Path):
            place.symlink_to(command)
        else:
            place.write_text(f"#!/bin/sh\n{command}\n")
            place.chmod(0o755)
    return {"PATH": str(folder), "PYTHON": sys.executable}
