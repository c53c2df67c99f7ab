"""The other engine: an OPA server (a sidecar or a shared one) that has loaded our bundle.

Everything goes through ``opa-python-client``. What of it had to be worked round, in 3.0.0:

- It takes host and port, no URL: the URL is taken apart here, and one with a path is refused.
- ``ssl`` is both the switch and the CA file. ``https`` without a CA file uses certifi's.
- Its ``timeout`` bounds connecting and each wait for bytes, not the whole request, and its
  retries wait 0.3 s and more between attempts: they are switched off. A kept-alive connection
  that the server has closed is tried once more here (a query changes nothing).
- ``requests`` would use proxies and ``.netrc`` of the environment (a token could go astray) and
  follow redirects: both are switched off on the client's session.
- One client is not meant for several threads: each thread has its own.
- ``bulk_query_rule`` fails as a whole when one input fails, and carries inputs as Rego text:
  not used; every input is a request of its own.
- ``query_rule`` hides OPA's error text behind ``HTTPError``: taken from the response.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from karb_guard.engine.answers import read_answer
from karb_guard.engine.catalogue import BundleCatalogue, Group
from karb_guard.engine.documents import PARAMS_FIRST, ParamsWriter, UnwritableError, splice
from karb_guard.engine.interface import Answer, Answered, EngineError, NotEvaluated

if TYPE_CHECKING:
    from opa_client import OpaClient  # type: ignore[import-untyped]

_DEFAULT_PORT = 8181


@dataclass(frozen=True, slots=True)
class OpaServerSettings:
    """Where the server is and how to talk to it."""

    url: str
    """``http://127.0.0.1:8181`` or ``https://opa.example:8181``."""
    token: str | None = None
    """Sent as ``Authorization: Bearer``."""
    ca_file: Path | None = None
    """The CA that signed the server's certificate; only with ``https``."""
    client_certificate: tuple[Path, Path] | None = None
    """Certificate and key, for a server that asks for one."""
    timeout_seconds: float = 1.0
    """For connecting, and again for each wait for the answer."""
    input_bytes: int = 4 << 20
    """The same bound as the embedded engine's, so that both give the same verdict."""


class OpaServerEngine:
    """Asks an OPA server. Safe to use from several threads."""

    name = "opa"
    may_fork = False

    def __init__(self, catalogue: BundleCatalogue, settings: OpaServerSettings) -> None:
        """Connects at the first evaluation. Raises ``EngineError`` for settings that can't work."""
        self._catalogue = catalogue
        self._settings = settings
        self._address = _address(settings)
        self._factory = _client_class()
        self._params = ParamsWriter(PARAMS_FIRST)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._clients: list[OpaClient] = []
        self._closed = False

    def evaluate(
        self,
        group: str,
        params: Mapping[str, Mapping[str, Any]],
        inputs: Sequence[Mapping[str, Any]],
    ) -> list[Answer]:
        """See ``Engine``. ``params`` is recognised by identity: pass a new one to change it."""
        entry = self._catalogue.groups.get(group)
        if entry is None:
            return [Answered(()) for _ in inputs]
        try:
            prefix = self._params.written(params)
        except UnwritableError as error:
            return [error.not_evaluated for _ in inputs]
        return [self._judge(entry, params, prefix, document) for document in inputs]

    def check(self) -> None:
        """Raise ``EngineError`` unless the server answers with this bundle's policies."""
        for group in self._catalogue.groups:
            answer = self.evaluate(group, {}, [{}])[0]
            if isinstance(answer, NotEvaluated):
                raise EngineError(answer.reason)

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            self._closed = True
            clients, self._clients = self._clients, []
        for client in clients:
            client.close_connection()

    def _judge(
        self,
        entry: Group,
        params: Mapping[str, Any],
        prefix: bytes,
        document: Mapping[str, Any],
    ) -> Answer:
        try:
            raw = splice(prefix, document, self._settings.input_bytes)
        except UnwritableError as error:
            return error.not_evaluated
        # The client serialises again; what it gets are the values of the very document that
        # the embedded engine would evaluate.
        reply = self._ask(entry.entrypoint, json.loads(raw))
        if isinstance(reply, NotEvaluated):
            return reply
        if "result" not in reply:
            return NotEvaluated(
                "unavailable",
                f"OPA at {self._settings.url} has no document {entry.entrypoint}: it hasn't "
                "loaded karb-guard's bundle (server.tar.gz)",
            )
        expected = tuple(name for name in entry.invariants if name in params)
        return read_answer(reply["result"], expected, self._catalogue.revision)

    def _ask(self, entrypoint: str, document: dict[str, Any]) -> dict[str, Any] | NotEvaluated:
        from requests.exceptions import (
            ConnectionError as Disconnected,
        )
        from requests.exceptions import ConnectTimeout, RequestException

        package, _, rule = entrypoint.rpartition("/")
        client = self._client()
        for attempt in (1, 2):
            try:
                reply = client.query_rule(document, package, rule)
                break
            except Disconnected as error:
                if attempt == 2 or isinstance(error, ConnectTimeout):
                    return self._failed(error)
            except (RequestException, ValueError, RecursionError) as error:
                return self._failed(error)
        if not isinstance(reply, dict):
            return NotEvaluated("answer", f"OPA at {self._settings.url} answered no JSON object")
        return reply

    def _client(self) -> OpaClient:
        client: OpaClient | None = getattr(self._local, "client", None)
        if self._closed:
            raise EngineError("the engine is closed")
        if client is None:
            client = self._factory(**self._address)
            client._session.trust_env = False
            client._session.max_redirects = 0
            self._local.client = client
            with self._lock:
                self._clients.append(client)
        return client

    def _failed(self, error: Exception) -> NotEvaluated:
        from requests.exceptions import (
            HTTPError,
            ReadTimeout,
        )

        where = f"OPA at {self._settings.url}"
        if isinstance(error, ReadTimeout):
            seconds = self._settings.timeout_seconds
            return NotEvaluated("deadline", f"{where} did not answer within {seconds:g} s")
        if isinstance(error, HTTPError):
            return _refused(where, error)
        if isinstance(error, ValueError | RecursionError):
            return NotEvaluated("answer", f"{where} answered what is no JSON: {error}")
        return NotEvaluated("unavailable", f"{where} can't be reached: {_cause(error)}")


def _refused(where: str, error: Any) -> NotEvaluated:
    status, text = error.response.status_code, error.response.text[:500].strip()
    if status in {401, 403}:
        return NotEvaluated("unavailable", f"{where} refused the token (HTTP {status}): {text}")
    # OPA answers 500 for errors of the policies themselves, such as conflicting rules.
    cause = "trap" if status == 500 else "unavailable"
    return NotEvaluated(cause, f"{where} answered HTTP {status}: {text}")


def _cause(error: BaseException) -> str:
    """The innermost words: requests and urllib3 wrap them three times."""
    deepest: BaseException = error
    while isinstance(deepest.args[0] if deepest.args else None, BaseException):
        deepest = deepest.args[0]
    return str(getattr(deepest, "reason", None) or deepest)


def _address(settings: OpaServerSettings) -> dict[str, Any]:
    """The client's arguments. Raises ``EngineError``."""
    try:
        url = urlsplit(settings.url)
        host, port = url.hostname, url.port or _DEFAULT_PORT
    except ValueError as error:
        raise EngineError(f"OPA's address {settings.url!r}: {error}") from error
    if url.scheme not in {"http", "https"} or not host or url.path.strip("/") or url.query:
        raise EngineError(
            f"OPA's address {settings.url!r} must be http://HOST:PORT or https://HOST:PORT"
        )
    secure = url.scheme == "https"
    if not secure and (settings.ca_file or settings.client_certificate):
        raise EngineError(f"OPA's address {settings.url!r}: a CA or certificate needs https")
    certificate = settings.client_certificate
    return {
        "host": f"[{host}]" if ":" in host else host,
        "port": port,
        "ssl": (str(settings.ca_file) if settings.ca_file else True) if secure else False,
        "cert": tuple(str(part) for part in certificate) if certificate else None,
        "token": settings.token,
        "retries": 0,
        "timeout": settings.timeout_seconds,
    }


def _client_class() -> type[OpaClient]:
    try:
        from opa_client import OpaClient
    except ImportError as error:
        raise EngineError(
            "the engine `opa` needs opa-python-client: pip install 'karb-guard[opa]'"
        ) from error
    client: type[OpaClient] = OpaClient
    return client
