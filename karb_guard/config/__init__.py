"""``karb-guard.yaml`` and ``[tool.karb-guard]``: found, read, validated, checked by name."""

from karb_guard.config.load import ConfigError, Loaded, load
from karb_guard.config.settings import Config

__all__ = ["Config", "ConfigError", "Loaded", "load"]
