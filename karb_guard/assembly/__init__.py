"""Configuration, catalogue and engine put together."""

from karb_guard.assembly.guard import Choices, Guard, assemble, read_catalogue

__all__ = ["Choices", "Guard", "assemble", "read_catalogue"]
