"""The base of every error that a person can mend."""

from __future__ import annotations


class KarbGuardError(Exception):
    """Bad input, configuration or environment; the message names the object and the remedy.

    The command line prints the message alone and ends with exit code 2; a stack trace is for
    our own mistakes only.
    """


class UsageError(KarbGuardError):
    """The command was called with arguments that can't be served."""
