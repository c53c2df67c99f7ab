"""A thin client: paths and JSON maps in, JSON maps out.

The generated models of the ``kubernetes`` package cost much and lose fields that they don't know;
what is used of it is what it is best at: credentials, in-cluster tokens, TLS.
Blocking; call it off the event loop.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import urllib3
import yaml
from kubernetes import client as kubernetes_client
from kubernetes import config as kubernetes_config

from karb_guard.cluster.errors import ClusterError, ConflictError, ExpiredError

Json = dict[str, Any]
Query = Mapping[str, str]

TIMEOUT_SECONDS = 10.0
WATCH_SECONDS = 120
"""How long one watch lasts: a connection that died without a word is noticed at its end."""
CONNECTIONS = 32
"""Kept open: a watch takes one, and a webhook has a dozen of them beside its requests."""
PAGE = 500
"""Objects per page of a list, as kubectl does."""
MAX_EVENT_BYTES = 8 * 1024 * 1024
"""One line of a watch; an object is at most some 1.5 MiB in etcd."""
_UNUSABLE = (
    kubernetes_config.ConfigException,
    yaml.YAMLError,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
)
"""What loading a kubeconfig raises, by what is wrong with it."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One request."""

    method: str
    path: str
    query: Query = field(default_factory=dict)
    body: Json | bytes | None = None
    content_type: str = "application/json"
    timeout: float | tuple[float, float] = TIMEOUT_SECONDS
    accept: str = "application/json"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class ClusterClient:
    """Talks to one API server. Safe to use from several threads."""

    def __init__(self, configuration: kubernetes_client.Configuration) -> None:
        configuration.connection_pool_maxsize = CONNECTIONS
        configuration.retries = False  # callers have deadlines; urllib3 would multiply them
        self._api = kubernetes_client.ApiClient(configuration)
        self.host: str = configuration.host

    def get(
        self, path: str, query: Query | None = None, timeout: float = TIMEOUT_SECONDS
    ) -> Json | None:
        """The object at ``path``, or ``None`` when there is none. ``timeout`` in seconds."""
        try:
            return self._json(_Call("GET", path, query or {}, timeout=timeout))
        except ClusterError as error:
            if error.status == 404:
                return None
            raise

    def read(self, path: str, query: Query, timeout: float, accept: str = "") -> bytes:
        """The body of a GET, unread; ``timeout`` in seconds.

        Raises ``ClusterError`` with the status, and with what the server says about trying again.
        """
        call = _Call("GET", path, query, accept=accept or "application/json", timeout=timeout)
        answer = self._send(call)
        try:
            body: bytes = answer.read(decode_content=True)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ClusterError(f"{call}: the answer broke off ({error})") from error
        finally:
            answer.release_conn()
        return body

    def list(self, path: str, query: Query | None = None) -> tuple[list[Json], str]:
        """All items of a collection, page by page, and the resource version to watch from."""
        items: list[Json] = []
        page: Query = {**(query or {}), "limit": str(PAGE)}
        while True:
            answer = self._json(_Call("GET", path, page))
            items += answer.get("items") or []
            metadata = answer.get("metadata") or {}
            if not metadata.get("continue"):
                return items, str(metadata.get("resourceVersion", ""))
            page = {**page, "continue": metadata["continue"]}

    def create(self, path: str, body: Json, timeout: float = TIMEOUT_SECONDS) -> Json:
        """POST ``body`` to a collection. Raises ``ConflictError`` when it exists."""
        return self._json(_Call("POST", path, body=body, timeout=timeout))

    def dry_run(self, path: str, body: Json) -> tuple[str, ...]:
        """POST ``body`` as a dry run; the warnings of the answer. Raises as ``create`` does."""
        answer = self._send(_Call("POST", path, {"dryRun": "All"}, body=body))
        warnings: list[str] = answer.headers.getlist("Warning")
        answer.drain_conn()
        answer.release_conn()
        return tuple(warnings)

    def replace(self, path: str, body: Json, timeout: float = TIMEOUT_SECONDS) -> Json:
        """PUT ``body``; its resourceVersion has to be the current one, else ``ConflictError``."""
        return self._json(_Call("PUT", path, body=body, timeout=timeout))

    def apply(self, path: str, body: Json, manager: str, *, force: bool = True) -> Json:
        """Server-side apply; with ``force``, fields of ``body`` are taken over from their owners.

        Without it, a field that somebody else holds with another value is a ``ConflictError``.
        """
        query = {"fieldManager": manager, "force": "true" if force else "false"}
        content = "application/apply-patch+yaml"  # JSON is YAML
        return self._json(_Call("PATCH", path, query, orjson.dumps(body), content))

    def merge(self, path: str, change: Json, timeout: float = TIMEOUT_SECONDS) -> Json:
        """A merge patch (RFC 7386): fields of ``change`` are set, ``null`` removes one."""
        content = "application/merge-patch+json"
        return self._json(_Call("PATCH", path, {}, change, content, timeout))

    def delete(self, path: str) -> None:
        """Delete the object at ``path``; fine when there is none."""
        try:
            self._json(_Call("DELETE", path))
        except ClusterError as error:
            if error.status != 404:
                raise

    def watch(self, path: str, resource_version: str, query: Query | None = None) -> WatchStream:
        """Open a watch of a collection. Raises ``ExpiredError`` when the version is too old."""
        full = {
            **(query or {}),
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
            "resourceVersion": resource_version,
        }
        timeout = (TIMEOUT_SECONDS, WATCH_SECONDS + 30.0)
        return WatchStream(self._send(_Call("GET", path, full, timeout=timeout)))

    def close(self) -> None:
        """Close idle connections."""
        self._api.rest_client.pool_manager.clear()

    def _json(self, call: _Call) -> Json:
        answer = self._send(call)
        try:
            found = orjson.loads(answer.read(decode_content=True))
        except (urllib3.exceptions.HTTPError, orjson.JSONDecodeError) as error:
            raise ClusterError(f"{call}: the answer can't be read ({error})") from error
        finally:
            answer.release_conn()
        if not isinstance(found, dict):
            raise ClusterError(f"{call}: the answer is no object")
        return found

    def _send(self, call: _Call) -> Any:
        """One request; the answer is urllib3's, not yet read. Raises for anything but 2xx."""
        try:
            prepared = self._api.param_serialize(
                method=call.method,
                resource_path=call.path,
                query_params=list(call.query.items()),
                header_params={"Accept": call.accept, "Content-Type": call.content_type},
                body=call.body,
                auth_settings=["BearerToken"],
            )
            answer = self._api.call_api(*prepared, _request_timeout=call.timeout).response
        except kubernetes_client.ApiException as error:
            raise ClusterError(f"{call}: {error.reason}") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ClusterError(f"{call}: {self.host} does not answer ({error})") from error
        if not 200 <= answer.status < 300:
            raise _failure(call, answer)
        return answer


class WatchStream:
    """The events of one open watch: ``(type, object)`` until the server ends it."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[tuple[str, Json]]:
        try:
            for line in _lines(self._answer.stream(amt=None, decode_content=True)):
                event = orjson.loads(line)
                kind, obj = event["type"], event["object"]
                if kind == "ERROR":
                    raise _watch_error(obj)
                yield kind, obj
        except (urllib3.exceptions.HTTPError, OSError, ValueError, KeyError, TypeError) as error:
            raise ClusterError(f"watch: the stream broke ({error})") from error
        finally:
            self.close()

    def close(self) -> None:
        """End the watch, from any thread."""
        # Closed already, or its socket is gone; urllib3 says so in three ways.
        with contextlib.suppress(ValueError, OSError, RuntimeError):
            self._answer.shutdown()
        with contextlib.suppress(OSError):
            self._answer.close()


def connect(kubeconfig: Path | None = None, context: str | None = None) -> ClusterClient:
    """A client for ``kubeconfig`` (and one of its contexts), else for the cluster that we run in.

    Raises ``ClusterError`` when neither leads to an API server.
    """
    configuration = kubernetes_client.Configuration()
    try:
        if kubeconfig is None:
            kubernetes_config.load_incluster_config(  # type: ignore[no-untyped-call]
                client_configuration=configuration
            )
        else:
            kubernetes_config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=str(kubeconfig),
                context=context,
                client_configuration=configuration,
                persist_config=False,
            )
    except _UNUSABLE as error:
        where = "the cluster that this runs in" if kubeconfig is None else str(kubeconfig)
        raise ClusterError(f"{where}: no usable credentials ({_why(error)})") from error
    return ClusterClient(configuration)


def _why(error: Exception) -> str:
    """What is wrong, without a line of the file: it holds tokens."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        return f"it is no YAML: see line {mark.line + 1}" if mark else "it is no YAML"
    if isinstance(error, yaml.YAMLError | AttributeError | KeyError):
        return "it is no kubeconfig"
    return str(error)


def current_context(kubeconfig: Path) -> str | None:
    """The name of the context that a kubeconfig starts with; ``None`` where it can't be read."""
    try:
        _, active = kubernetes_config.list_kube_config_contexts(  # type: ignore[no-untyped-call]
            str(kubeconfig)
        )
    except _UNUSABLE:
        return None
    return str(active["name"]) if active else None


def segment(name: str) -> str:
    """A name as one segment of a path, whatever it holds."""
    return quote(name, safe="")


def object_path(api_version: str, namespace: str, resource: str, name: str) -> str:
    """Where an API server has an object of a namespace; each part stays one segment."""
    group, _, version = api_version.rpartition("/")
    root = f"/apis/{segment(group)}/{segment(version)}" if group else f"/api/{segment(version)}"
    return f"{root}/namespaces/{segment(namespace)}/{segment(resource)}/{segment(name)}"


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        *whole, buffer = buffer.split(b"\n")
        yield from (line for line in whole if line.strip())
        if len(buffer) > MAX_EVENT_BYTES:
            raise ValueError(f"an event is larger than {MAX_EVENT_BYTES} bytes")


def _failure(call: _Call, answer: Any) -> ClusterError:
    body = answer.read(64 * 1024, decode_content=True)
    answer.release_conn()
    try:
        status = orjson.loads(body)
        message = str(status["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        status, message = {}, str(answer.reason)
    text = f"{call}: {answer.status} {message[:500]}"
    kind = {409: ConflictError, 410: ExpiredError}.get(answer.status, ClusterError)
    metadata = status.get("metadata")
    token = metadata.get("continue") if isinstance(metadata, dict) else None
    return kind(
        text,
        answer.status,
        retry_after=_seconds(answer.headers.get("Retry-After")),
        continue_token=token if isinstance(token, str) and token else None,
    )


def _seconds(header: str | None) -> float | None:
    """A ``Retry-After`` in seconds; API servers send no dates."""
    return float(header) if header is not None and header.isascii() and header.isdigit() else None


def _watch_error(status: Mapping[str, Any]) -> ClusterError:
    code = status.get("code")
    kind = ExpiredError if code == 410 else ClusterError
    return kind(f"watch: {str(status.get('message', 'the server reports an error'))[:500]}")
