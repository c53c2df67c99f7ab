"""A real Kubernetes control plane without containers.

etcd, kube-apiserver and kube-controller-manager as plain processes.

The binaries are built once from their Go modules (``tools/``) into the user's cache and started
per test session on loopback. ``attach`` takes any other cluster by its kubeconfig instead, so
that the same end-to-end suite runs against kind or a cluster of one's own.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from karb_guard.toolchain import build_go_tool, cache_dir

REPOSITORY = Path(__file__).parents[2]
KUBERNETES_VERSION = "1.37.2"
ETCD_VERSION = "3.7.3"
KWOK_VERSION = "0.8.0"
READY_SECONDS = 90
STOP_SECONDS = 10

_KUBERNETES = REPOSITORY / "tools" / "kubernetes"
TOOLS = {
    "etcd": (REPOSITORY / "tools" / "etcd", "go.etcd.io/etcd/server/v3", ETCD_VERSION),
    "kube-apiserver": (_KUBERNETES, "k8s.io/kubernetes/cmd/kube-apiserver", KUBERNETES_VERSION),
    "kube-controller-manager": (
        _KUBERNETES,
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        KUBERNETES_VERSION,
    ),
    "kubectl": (_KUBERNETES, "k8s.io/kubernetes/cmd/kubectl", KUBERNETES_VERSION),
    "kwok": (REPOSITORY / "tools" / "kwok", "sigs.k8s.io/kwok/cmd/kwok", KWOK_VERSION),
}
"""Name -> where its module is pinned, package, version."""
_ON_DEMAND = frozenset({"kwok"})
"""Built by what needs it, not with the others."""
ETCD_BYTES = 8 * 2**30
"""What etcd may hold; by default 2 GiB, which 50,000 pods with their history fill."""


OF_THE_ADMINISTRATOR = "- level: Metadata\n  verbs: [create, update, patch]\n  users: [admin]\n"
OF_SERVICE_ACCOUNTS = (
    "- level: None\n  userGroups: ['system:serviceaccounts:kube-system']\n"
    "- level: Metadata\n  userGroups: ['system:serviceaccounts']\n"
)
"""Not those of kube-controller-manager."""


def tool(name: str) -> Path:
    """The path of a control plane binary, built on first use (about 10 minutes for all)."""
    module, package, version = TOOLS[name]
    return build_go_tool(module, package, cache_dir() / "bin" / f"{name}-{version}")


def free_port() -> int:
    """A TCP port on 127.0.0.1 that was free a moment ago.

    Below the range that kernels take for outgoing connections, which would take it any moment.
    """
    for _ in range(1000):
        port = 15_000 + secrets.randbelow(15_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port of 127.0.0.1 between 15000 and 30000")


class NotReadyError(RuntimeError):
    """A component didn't become ready; the message carries the end of its log."""


@dataclass
class Cluster:
    """A cluster to test against: its kubeconfig, and what it can do."""

    kubeconfig: Path
    owned: bool
    """Started by this session; its API server reaches webhooks on 127.0.0.1 by URL."""
    kubectl_path: Path
    audit_log: Path | None = None
    """The API server's audit log, where it can be read from here."""

    def kubectl(
        self, *args: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run ``kubectl`` as a user would; raises with its stderr when ``check`` and it fails."""
        done = subprocess.run(
            [str(self.kubectl_path), "--kubeconfig", str(self.kubeconfig), *args],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(args)}: {done.stderr}")
        return done


@dataclass
class ControlPlane:
    """The processes of one control plane in one directory; use ``running`` as a context."""

    directory: Path
    etcd_port: int = field(default_factory=free_port)
    peer_port: int = field(default_factory=free_port)
    api_port: int = field(default_factory=free_port)
    audit_rules: str = OF_THE_ADMINISTRATOR
    """Of the audit policy: what the API server writes to its log."""
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _token: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def kubeconfig(self) -> Path:
        """An administrator's kubeconfig."""
        return self.directory / "kubeconfig"

    def start(self, *, controllers: bool = True) -> Cluster:
        """Start everything and wait until a pod could be created in ``default``.

        Without ``controllers`` nothing but the API server changes objects, and namespaces have no
        ServiceAccount before somebody makes one.
        """
        self._write_keys()
        self._start_etcd()
        self.start_apiserver()
        self._write_kubeconfig()
        audit_log = self.directory / "audit.log"
        cluster = Cluster(self.kubeconfig, True, tool("kubectl"), audit_log)
        if not controllers:
            return cluster
        self.start_controller_manager()
        _until(
            lambda: (
                cluster.kubectl("get", "serviceaccount", "default", check=False).returncode == 0
            ),
            "the default ServiceAccount",
            lambda: self._log("kube-controller-manager"),
        )
        return cluster

    def check(self) -> None:
        """Raise ``NotReadyError`` with its log for what was started here and ended by itself."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise NotReadyError(f"{name} ended ({process.returncode}): {self._log(name)}")

    def stop(self) -> None:
        """Stop what this object started, in reverse order; the directory stays."""
        for name in reversed(list(self._processes)):
            self.stop_process(name)

    def stop_process(self, name: str) -> None:
        """Terminate one component, by the pid that was started here."""
        process = self._processes.pop(name)
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)

    def start_apiserver(self) -> None:
        """Start kube-apiserver and wait for ``/readyz``."""
        d = self.directory
        self.spawn(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.api_port}",
            f"--cert-dir={d / 'apiserver'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={d / 'sa.key'}",
            f"--service-account-signing-key-file={d / 'sa.key'}",
            f"--token-auth-file={d / 'tokens.csv'}",
            "--authorization-mode=Node,RBAC",
            "--endpoint-reconciler-type=none",
            "--allow-privileged=true",
            "--service-cluster-ip-range=10.0.0.0/24",
            f"--audit-policy-file={d / 'audit-policy.yaml'}",
            f"--audit-log-path={d / 'audit.log'}",
            "--audit-log-mode=blocking",
            "--max-requests-inflight=2000",
            "--max-mutating-requests-inflight=1000",
        )
        _until(self._api_ready, "kube-apiserver", lambda: self._log("kube-apiserver"))

    def _write_keys(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        (self.directory / "sa.key").write_bytes(pem)
        (self.directory / "tokens.csv").write_text(
            f'{self._token},admin,admin,"system:masters"\n', encoding="utf-8"
        )
        (self.directory / "audit-policy.yaml").write_text(
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\n"
            f"rules:\n{self.audit_rules}- level: None\n",
            encoding="utf-8",
        )

    def _start_etcd(self) -> None:
        client = f"http://127.0.0.1:{self.etcd_port}"
        peer = f"http://127.0.0.1:{self.peer_port}"
        self.spawn(
            "etcd",
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync=true",
            f"--quota-backend-bytes={ETCD_BYTES}",
            "--log-level=warn",
        )
        _until(lambda: _answers(f"{client}/health"), "etcd", lambda: self._log("etcd"))

    def start_controller_manager(self, *flags: str) -> None:
        """Start kube-controller-manager with ``flags`` besides what it needs; don't wait."""
        self.spawn(
            "kube-controller-manager",
            f"--kubeconfig={self.kubeconfig}",
            f"--authentication-kubeconfig={self.kubeconfig}",
            f"--authorization-kubeconfig={self.kubeconfig}",
            f"--service-account-private-key-file={self.directory / 'sa.key'}",
            f"--root-ca-file={self.directory / 'apiserver' / 'apiserver.crt'}",
            f"--cert-dir={self.directory / 'controller-manager'}",
            f"--secure-port={free_port()}",
            "--bind-address=127.0.0.1",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            *flags,
        )

    def _write_kubeconfig(self) -> None:
        ca = base64.b64encode((self.directory / "apiserver" / "apiserver.crt").read_bytes())
        self.kubeconfig.write_text(
            f"""apiVersion: v1
kind: Config
current-context: test
contexts: [{{name: test, context: {{cluster: test, user: admin}}}}]
clusters:
- name: test
  cluster:
    server: https://127.0.0.1:{self.api_port}
    certificate-authority-data: {ca.decode()}
users: [{{name: admin, user: {{token: {self._token}}}}}]
""",
            encoding="utf-8",
        )
        self.kubeconfig.chmod(0o600)

    def spawn(self, name: str, *flags: str) -> None:
        """Start a program of ``TOOLS``, which ``stop`` stops; its log is ``<name>.log``."""
        with (self.directory / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [str(tool(name)), *flags], stdout=log, stderr=log, cwd=self.directory
            )

    def _api_ready(self) -> bool:
        process = self._processes["kube-apiserver"]
        if process.poll() is not None:
            raise NotReadyError(
                f"kube-apiserver ended ({process.returncode}): {self._log('kube-apiserver')}"
            )
        return _answers(f"https://127.0.0.1:{self.api_port}/readyz")

    def _log(self, name: str) -> str:
        path = self.directory / f"{name}.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else "(no log)"


def _answers(url: str) -> bool:
    context = ssl._create_unverified_context()  # noqa: S323 - readiness only, before the CA is known
    try:
        with urllib.request.urlopen(url, timeout=2, context=context) as response:  # noqa: S310 - loopback
            return bool(response.status == 200)
    except OSError:
        return False


def _until(condition: object, what: str, log: object) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline:
            raise NotReadyError(f"{what} isn't ready after {READY_SECONDS} s: {log()}")  # type: ignore[operator]
        time.sleep(0.1)


def attach(kubeconfig: Path) -> Cluster:
    """A cluster that somebody else runs."""
    kubectl = shutil.which("kubectl")
    return Cluster(
        kubeconfig, owned=False, kubectl_path=Path(kubectl) if kubectl else tool("kubectl")
    )


@contextlib.contextmanager
def running() -> Iterator[Cluster]:
    """The cluster of ``KUBECONFIG_UNDER_TEST``, or a control plane of one's own."""
    given = os.environ.get("KUBECONFIG_UNDER_TEST")
    if given:
        yield attach(Path(given))
        return
    with tempfile.TemporaryDirectory(prefix="karb-guard-e2e-") as directory:
        plane = ControlPlane(Path(directory))
        try:
            yield plane.start()
        finally:
            plane.stop()


def main(argv: Sequence[str] | None = None) -> None:
    """Build all binaries (``python tests/support/controlplane.py``), so that tests find them."""
    for name in argv or sorted(TOOLS.keys() - _ON_DEMAND):
        print(tool(name))


if __name__ == "__main__":
    main()
