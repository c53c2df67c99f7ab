"""What can go wrong between us and an API server."""

from __future__ import annotations

from karb_guard.model.errors import KarbGuardError


class ClusterError(KarbGuardError):
    """A request to the API server failed; the message names the request and the answer.

    ``status`` is the HTTP status, 0 where no answer came (address, TLS, time-out).
    """

    def __init__(
        self,
        message: str,
        status: int = 0,
        *,
        retry_after: float | None = None,
        continue_token: str | None = None,
    ) -> None:
        """``retry_after``: seconds after which the server wants to be asked again, if it says so.

        ``continue_token``: of an expired list (410), where the server offers to go on with what is
        there now.
        """
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.continue_token = continue_token


class ConflictError(ClusterError):
    """The object exists already, or changed since it was read (409)."""


class ExpiredError(ClusterError):
    """The resource version is too old to watch from; list again (410)."""
