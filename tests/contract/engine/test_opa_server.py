"""The OPA server engine against real OPA servers, and against servers that misbehave."""

from __future__ import annotations

import http.server
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from karb_guard.engine.bundle import CompiledBundle
from karb_guard.engine.embedded import EmbeddedEngine
from karb_guard.engine.interface import Answered, Engine, EngineError, NotEvaluated
from karb_guard.engine.opa_process import opa_server
from karb_guard.engine.opa_server import OpaServerEngine, OpaServerSettings
from tests.support.small_policies import ECHO, IMAGES, OWNER, compiled, enabled

CONFLICT = """
value := input.one if input.one

value := input.two if input.two

violations contains {"check": "value", "path": [], "detail": {"value": value}} if value
"""
RULES = {"owner": OWNER, "img": IMAGES, "echo": ECHO, "conflict": CONFLICT}
ALL: dict[str, dict[str, object]] = {
    **enabled("owner", "echo", "conflict"),
    "img": {"registries": ["nvcr.io/", "ghcr.io/"]},
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> CompiledBundle:
    return compiled(tmp_path_factory.mktemp("rules"), RULES)


@pytest.fixture(scope="module")
def url(bundle: CompiledBundle) -> Iterator[str]:
    with opa_server(bundle.server_bundle) as address:
        yield address


@pytest.fixture(scope="module")
def embedded(bundle: CompiledBundle) -> Engine:
    return EmbeddedEngine(bundle)


def _engine(bundle: CompiledBundle, url: str, **settings: Any) -> OpaServerEngine:
    return OpaServerEngine(bundle.catalogue, OpaServerSettings(url=url, **settings))


def _failure(answer: object) -> NotEvaluated:
    assert isinstance(answer, NotEvaluated), answer
    return answer


POD = {"containers": [{"path": ["spec", "containers", 0], "image": "docker.io/a"}]}
DOCUMENTS: list[dict[str, Any]] = [
    {},
    {"object": {"metadata": {"labels": {"owner": "ml"}}}},
    {"pods": [POD, POD]},
    {"pods": [{"containers": [{"path": [], "image": "nvcr.io/a"}]}]},
    {"values": [3, "b", True, 1.5, -2, "a", 10**30, 0.1, 1e21, 17179869184000, 1.0, -0.0]},
    {"values": ["ü", "😀", "\u0000", '"', "\\", "</script>", "\u2028"]},
    {"values": [["list", 1, True], []]},
    {"object": None, "pods": None, "values": None},
    {"pods": {"a": 1}, "values": "text"},
]


def test_both_engines_give_the_same_answers(
    bundle: CompiledBundle, url: str, embedded: Engine
) -> None:
    server = _engine(bundle, url)
    ours, theirs = (each.evaluate("pods", ALL, DOCUMENTS) for each in (embedded, server))
    assert ours == theirs
    assert all(isinstance(answer, Answered) for answer in ours)
    assert sum(len(answer.violations) for answer in ours if isinstance(answer, Answered)) > 25
    server.close()


@pytest.mark.parametrize("values", [[{"a": 1}], [None, {"b": []}], [[{"c": 1}]]])
def test_both_engines_refuse_the_same_answers(
    bundle: CompiledBundle, url: str, embedded: Engine, values: list[object]
) -> None:
    server = _engine(bundle, url)
    documents = [{"values": values}]
    ours, theirs = (each.evaluate("pods", ALL, documents) for each in (embedded, server))
    assert ours == theirs
    assert _failure(ours[0]).cause == "answer"


def test_a_server_with_our_bundle_passes_the_check(bundle: CompiledBundle, url: str) -> None:
    _engine(bundle, url).check()


def test_a_group_that_the_bundle_lacks_asks_nobody(bundle: CompiledBundle) -> None:
    engine = _engine(bundle, "http://127.0.0.1:1")
    assert engine.evaluate("/Namespace", ALL, [{}]) == [Answered(())]


def test_conflicting_rules_are_not_evaluated_and_named(bundle: CompiledBundle, url: str) -> None:
    conflict, fine = _engine(bundle, url).evaluate("pods", ALL, [{"one": 1, "two": 2}, {}])
    assert _failure(conflict).cause == "trap"
    assert "conflict" in _failure(conflict).reason
    assert isinstance(fine, Answered)


def test_an_input_above_the_bound_is_not_sent(bundle: CompiledBundle, url: str) -> None:
    engine = _engine(bundle, url, input_bytes=5_000)
    large, fine = engine.evaluate("pods", ALL, [{"values": ["x" * 5_000]}, {}])
    assert _failure(large).cause == "size"
    assert isinstance(fine, Answered)


def test_a_value_without_json_form_is_not_sent(bundle: CompiledBundle, url: str) -> None:
    [answer] = _engine(bundle, url).evaluate("pods", ALL, [{"values": [object()]}])
    assert _failure(answer).cause == "answer"


def test_threads_share_one_engine(bundle: CompiledBundle, url: str) -> None:
    engine = _engine(bundle, url)
    wrong: list[int] = []

    def judge(number: int) -> None:
        for _ in range(10):
            document = {"values": [f"{number}"] * (number + 1)}
            [answer] = engine.evaluate("pods", enabled("echo"), [document])
            if not isinstance(answer, Answered) or len(answer.violations) != number + 1:
                wrong.append(number)

    threads = [threading.Thread(target=judge, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.evaluate("pods", ALL, [{}])


def test_a_server_that_is_away_is_unavailable(bundle: CompiledBundle) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    engine = _engine(bundle, address)
    [answer] = engine.evaluate("pods", ALL, [{}])
    assert _failure(answer).cause == "unavailable"
    assert address in _failure(answer).reason
    assert "refused" in _failure(answer).reason
    with pytest.raises(EngineError, match="can't be reached"):
        engine.check()


def test_a_server_without_our_bundle_is_unavailable(bundle: CompiledBundle) -> None:
    with opa_server(None) as address:
        [answer] = _engine(bundle, address).evaluate("pods", ALL, [{}])
    assert _failure(answer).cause == "unavailable"
    assert "server.tar.gz" in _failure(answer).reason


def test_a_server_with_another_revision_is_refused(
    bundle: CompiledBundle, url: str, tmp_path: Path
) -> None:
    other = compiled(tmp_path, {**RULES, "owner": OWNER.replace("labels.owner", "labels.team")})
    [answer] = _engine(other, url).evaluate("pods", ALL, [{}])
    assert "revision" in _failure(answer).reason
    with pytest.raises(EngineError, match="revision"):
        _engine(other, url).check()
    assert bundle.catalogue.revision != other.catalogue.revision


def test_the_token_is_sent_and_a_wrong_one_is_named(bundle: CompiledBundle, tmp_path: Path) -> None:
    (tmp_path / "authz.rego").write_text(
        'package system.authz\ndefault allow := false\nallow if input.identity == "secret"\n'
    )
    options = ["--authentication=token", "--authorization=basic", str(tmp_path / "authz.rego")]
    with opa_server(bundle.server_bundle, options=options) as address:
        [good] = _engine(bundle, address, token="secret").evaluate("pods", ALL, [{}])  # noqa: S106
        [bad] = _engine(bundle, address, token="wrong").evaluate("pods", ALL, [{}])  # noqa: S106
    assert isinstance(good, Answered)
    assert _failure(bad).cause == "unavailable"
    assert "token" in _failure(bad).reason
    assert "secret" not in _failure(bad).reason


# -- servers that misbehave -------------------------------------------------------------------

Handler = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextmanager
def _server(handle: Handler, context: ssl.SSLContext | None = None) -> Iterator[str]:
    class Request(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            handle(self)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Request)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _reply(body: bytes, status: int = 200, **headers: str) -> Handler:
    def handle(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return handle


def _good(bundle: CompiledBundle) -> bytes:
    answers: dict[str, list[object]] = {name: [] for name in RULES}
    return json.dumps(
        {"result": {"revision": bundle.catalogue.revision, "answers": answers}}
    ).encode()


def test_a_slow_server_meets_the_timeout(bundle: CompiledBundle) -> None:
    gate = threading.Event()

    def handle(_: http.server.BaseHTTPRequestHandler) -> None:
        gate.wait(10)

    with _server(handle) as address:
        [answer] = _engine(bundle, address, timeout_seconds=0.2).evaluate("pods", ALL, [{}])
        gate.set()
    assert _failure(answer).cause == "deadline"
    assert "0.2 s" in _failure(answer).reason


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"", "answer"),
        (b"<html>a proxy</html>", "answer"),
        (b"[]", "answer"),
        (b"null", "answer"),
        (b"{}", "unavailable"),
        (b'{"result": true}', "answer"),
        (b'{"result": {"answers": {}}}', "answer"),
        (b'{"result": {"revision": "REVISION", "answers": {}}}', "answer"),
        (b'{"result": {"revision": "REVISION", "answers": {"owner": []}}}', "answer"),
        (b'{"result": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "answer"),
    ],
)
def test_an_answer_that_is_not_opas_is_no_pass(
    bundle: CompiledBundle, body: bytes, cause: str
) -> None:
    body = body.replace(b"REVISION", bundle.catalogue.revision.encode())
    with _server(_reply(body)) as address:
        [answer] = _engine(bundle, address).evaluate("pods", ALL, [{}])
    assert _failure(answer).cause == cause


@pytest.mark.parametrize("status", [400, 404, 429, 502, 503])
def test_an_http_error_is_no_pass(bundle: CompiledBundle, status: int) -> None:
    with _server(_reply(_good(bundle), status)) as address:
        [answer] = _engine(bundle, address).evaluate("pods", ALL, [{}])
    assert _failure(answer).cause == "unavailable"
    assert str(status) in _failure(answer).reason


def test_redirects_are_not_followed(bundle: CompiledBundle) -> None:
    with (
        _server(_reply(_good(bundle))) as elsewhere,
        _server(_reply(b"", 307, location=f"{elsewhere}/v1/data/x")) as address,
    ):
        [answer] = _engine(bundle, address).evaluate("pods", ALL, [{}])
    assert _failure(answer).cause == "unavailable"


def test_a_connection_that_the_server_closed_is_tried_again(bundle: CompiledBundle) -> None:
    def handle(request: http.server.BaseHTTPRequestHandler) -> None:
        _reply(_good(bundle))(request)
        request.close_connection = True  # without saying so

    with _server(handle) as address:
        engine = _engine(bundle, address)
        answers = [engine.evaluate("pods", ALL, [{}])[0] for _ in range(5)]
    assert all(isinstance(answer, Answered) for answer in answers), answers


def test_proxies_of_the_environment_are_not_used(
    bundle: CompiledBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with _server(_reply(_good(bundle))) as address:
        [answer] = _engine(bundle, address).evaluate("pods", ALL, [{}])
    assert isinstance(answer, Answered)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost and its key."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "ca.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def test_tls_needs_the_servers_ca(bundle: CompiledBundle, authority: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority)
    with _server(_reply(_good(bundle)), context) as address:
        [trusted] = _engine(bundle, address, ca_file=authority[0]).evaluate("pods", ALL, [{}])
        [stranger] = _engine(bundle, address).evaluate("pods", ALL, [{}])
    assert isinstance(trusted, Answered)
    assert _failure(stranger).cause == "unavailable"
    assert "certificate" in _failure(stranger).reason


@pytest.mark.parametrize(
    "address",
    ["", "localhost:8181", "ftp://x", "http://", "http://x/path", "http://x:99999", "http://x?q"],
)
def test_an_address_that_cannot_work_is_refused(bundle: CompiledBundle, address: str) -> None:
    with pytest.raises(EngineError, match="OPA's address"):
        _engine(bundle, address)


def test_a_ca_without_https_is_refused(bundle: CompiledBundle, tmp_path: Path) -> None:
    settings = OpaServerSettings(url="http://127.0.0.1:8181")
    with pytest.raises(EngineError, match="https"):
        OpaServerEngine(bundle.catalogue, replace(settings, ca_file=tmp_path / "ca.pem"))
