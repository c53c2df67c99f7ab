"""The arguments of ``karb-guard webhook serve``, and which of them go together."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from karb_guard.config.settings import MAX_WORKERS
from karb_guard.decisions.break_glass import CONFIG_MAP
from karb_guard.model.errors import UsageError
from webhook.body import MAX_BODY_BYTES
from webhook.logs import LEVELS
from webhook.rules import NAME, PATH, ServiceAddress

_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``webhook serve``."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration")
    parser.add_argument(
        "--policies",
        action="append",
        default=[],
        metavar="DIR",
        help="policies of your own beside karb-guard's; repeatable",
    )
    _add_listening(parser)
    _add_tls(parser.add_argument_group("certificate (one of these is needed)"))
    _add_cluster(parser.add_argument_group("cluster"))
    _add_registration(parser.add_argument_group("registration"))


def _add_listening(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--address", metavar="IP", help="listen here (default: configuration)")
    parser.add_argument("--port", type=_port, help="of the reviews, TLS (default: configuration)")
    parser.add_argument(
        "--metrics-port",
        type=_port,
        help="of /metrics, /healthz and /readyz in plain HTTP; 0 for none (default: configuration)",
    )
    parser.add_argument(
        "--drain-seconds",
        type=_seconds,
        default=10.0,
        metavar="N",
        help="go on serving for so long after SIGTERM, while endpoints are taken away (default 10)",
    )
    parser.add_argument(
        "--workers",
        type=_workers,
        metavar="N",
        help=f"processes that answer reviews, 1 to {MAX_WORKERS} (default: configuration, or 1)",
    )
    parser.add_argument(
        "--max-body-bytes", type=_positive, default=MAX_BODY_BYTES, metavar="N", help="of a review"
    )
    parser.add_argument("--log-level", choices=LEVELS, default="info")


def _add_tls(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--tls-cert", type=Path, metavar="FILE", help="PEM chain, leaf first")
    group.add_argument("--tls-key", type=Path, metavar="FILE", help="its private key, PEM")
    group.add_argument("--tls-ca", type=Path, metavar="FILE", help="what clients verify it by")
    group.add_argument(
        "--tls-dir", type=Path, metavar="DIR", help="make a CA and certificates, keep the CA here"
    )
    group.add_argument(
        "--tls-secret", metavar="NAME", help="make them, keep the CA in this Secret of --namespace"
    )
    group.add_argument(
        "--tls-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a further DNS name or IP address of the certificate; repeatable",
    )


def _add_cluster(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--kubeconfig", type=Path, metavar="FILE", help="how to reach the cluster")
    group.add_argument(
        "--in-cluster", action="store_true", help="use the pod's own service account"
    )
    group.add_argument(
        "--no-events",
        dest="events",
        action="store_false",
        help="write no Kubernetes Events, such as those on controllers whose Pods were denied",
    )
    group.add_argument(
        "--namespace",
        default=_own_namespace(),
        metavar="NAME",
        help="that the webhook runs in: exempt, and where its Service, Secret and Lease are",
    )
    group.add_argument(
        "--enforcement-record",
        metavar="NAME",
        help="a ConfigMap of --namespace in which the leader writes since when what is enforced, "
        "for workloads that are older (default: this process remembers, until it ends)",
    )
    group.add_argument(
        "--lease",
        metavar="NAME",
        help="elect a leader by this Lease of --namespace; only it writes what replicas share "
        "(default: this is the only replica)",
    )
    group.add_argument(
        "--break-glass",
        default=CONFIG_MAP,
        metavar="NAME",
        help="the ConfigMap of --namespace that `karb-guard break-glass` writes "
        f"(default {CONFIG_MAP})",
    )


def _add_registration(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--register",
        choices=("none", "whole", "bundle"),
        default="none",
        help="whole: create the ValidatingWebhookConfiguration and keep it right; "
        "bundle: keep only the caBundle of one that exists",
    )
    group.add_argument("--registration-name", default=NAME, metavar="NAME")
    group.add_argument(
        "--registration-file",
        type=Path,
        metavar="FILE",
        help="the configuration to register, YAML or JSON (default: one for --service or --url)",
    )
    group.add_argument("--service", metavar="NAME[:PORT]", help="the Service of this webhook")
    group.add_argument("--url", help="https://HOST:PORT that the API server reaches it by instead")
    group.add_argument("--failure-policy", choices=("Ignore", "Fail"), default="Ignore")
    group.add_argument(
        "--owner",
        metavar="PATH",
        help="API path of a cluster-scoped object; deleting it deletes the registration",
    )


def check(args: argparse.Namespace) -> None:
    """Refuse arguments that don't go together, by name."""
    files = args.tls_cert is not None or args.tls_key is not None
    ways = [files, args.tls_dir is not None, args.tls_secret is not None]
    if sum(ways) != 1:
        raise UsageError("give one of --tls-cert with --tls-key, --tls-dir, or --tls-secret")
    if files and (args.tls_cert is None or args.tls_key is None):
        raise UsageError("--tls-cert and --tls-key go together")
    if args.tls_secret is not None and not args.namespace:
        raise UsageError("--tls-secret needs --namespace")
    has_cluster = args.kubeconfig is not None or args.in_cluster
    if args.tls_secret is not None and not has_cluster:
        raise UsageError("--tls-secret needs --kubeconfig or --in-cluster")
    if args.lease is not None and not (has_cluster and args.namespace):
        raise UsageError("--lease needs --namespace, and --kubeconfig or --in-cluster")
    if args.register != "none":
        _check_registration(args, has_cluster=has_cluster, trusted=not files or bool(args.tls_ca))


def _check_registration(args: argparse.Namespace, *, has_cluster: bool, trusted: bool) -> None:
    if not has_cluster:
        raise UsageError("--register needs --kubeconfig or --in-cluster")
    if not trusted:
        raise UsageError("--register with --tls-cert needs --tls-ca, which becomes the caBundle")
    if bool(args.service) == bool(args.url):
        raise UsageError("--register needs one of --service and --url")
    if args.url and not args.url.startswith("https://"):
        raise UsageError(f"--url {args.url}: the API server calls webhooks by https:// only")
    if args.service and not args.namespace:
        raise UsageError("--service needs --namespace")


def address_of(args: argparse.Namespace) -> ServiceAddress | str | None:
    """How API servers reach the webhook, where the arguments say."""
    if args.url:
        url: str = args.url.rstrip("/")
        return url if url.endswith(PATH) else url + PATH
    if args.service:
        name, _, port = args.service.partition(":")
        return ServiceAddress(args.namespace, name, _port(port) if port else 443)
    return None


def hosts_of(args: argparse.Namespace) -> list[str]:
    """What a certificate of our own has to be good for: Service names, loopback, extras."""
    address = address_of(args)
    names: list[str] = []
    if isinstance(address, ServiceAddress):
        short = f"{address.name}.{address.namespace}"
        names = [address.host, f"{address.host}.cluster.local", short, address.name]
    return [*names, *LOOPBACK, *args.tls_host]


def _own_namespace() -> str | None:
    try:
        return os.environ.get("POD_NAMESPACE") or _NAMESPACE_FILE.read_text("ascii").strip() or None
    except (OSError, ValueError):
        return None


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text}: a port is 0 to 65535")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: needs to be 1 or more")
    return number


def _workers(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"{text}: needs to be 1 to {MAX_WORKERS}")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 3600:
        raise argparse.ArgumentTypeError(f"{text}: needs to be 0 to 3600 seconds")
    return number
