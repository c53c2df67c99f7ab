"""What the user says about charts and kustomizations, checked before anything runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from karb_guard.model.errors import UsageError
from karb_guard.model.patterns import lazy

DEFAULT_RELEASE = "release-name"
"""What ``helm template`` calls a release that has no name."""
DEFAULT_NAMESPACE = "default"
"""Where ``helm`` installs without ``--namespace``; never the one of a kubeconfig."""

_RELEASE = lazy(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
"""helm.sh/helm/v4/pkg/chart/v2/util: ``ValidateReleaseName``, at most 53 characters."""
_NAMESPACE = lazy(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
"""A DNS label (RFC 1123), at most 63 characters."""


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How charts and kustomizations are rendered. Raises ``UsageError`` for what can't be meant."""

    values: tuple[str, ...] = ()
    """Files with values for every chart; a later one wins."""
    helm_set: tuple[str, ...] = ()
    """``KEY=VALUE`` as ``helm --set`` takes it, for every chart; wins over ``values``."""
    release_name: str | None = None
    """The release of every chart; ``None`` means ``DEFAULT_RELEASE``."""
    namespace: str | None = None
    """Where objects go that name no namespace of their own; ``None`` leaves them without."""
    below: bool = False
    """Whether charts and kustomizations below a directory are rendered, too."""

    def __post_init__(self) -> None:
        for file in self.values:
            _check_values(file)
        for setting in self.helm_set:
            if "=" not in setting.lstrip("="):
                raise UsageError(f"--helm-set {setting}: must be KEY=VALUE, such as image.tag=1.2")
        if self.release_name is not None and not _fits(_RELEASE, self.release_name, 53):
            raise UsageError(
                f"--release-name {self.release_name}: helm takes small letters, digits, `-` and "
                "`.`, at most 53 characters"
            )
        if self.namespace is not None and not _fits(_NAMESPACE, self.namespace, 63):
            raise UsageError(
                f"--namespace {self.namespace}: a namespace has small letters, digits and `-`, "
                "at most 63 characters"
            )

    @property
    def for_charts(self) -> list[str]:
        """The given options that mean nothing without a chart, as the command line names them."""
        given = {
            "--values": self.values,
            "--helm-set": self.helm_set,
            "--release-name": self.release_name,
        }
        return [name for name, value in given.items() if value]

    @property
    def for_anything(self) -> list[str]:
        """The given options that mean nothing where nothing is rendered."""
        return [*self.for_charts, *(["--namespace"] if self.namespace else [])]


def _check_values(file: str) -> None:
    """Only files: ``helm`` would fetch an address, and wait for ``-``."""
    if "\0" in file or not Path(file).is_file():
        raise UsageError(f"--values {file}: no such file; name a YAML file on this machine")


def _fits(pattern: re.Pattern[str], text: str, longest: int) -> bool:
    return len(text) <= longest and pattern.fullmatch(text) is not None
