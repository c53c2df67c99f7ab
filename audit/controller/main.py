"""``karb-guard rollout controller``."""

from __future__ import annotations

import argparse
import datetime
import os
import signal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from audit.controller.loop import Controller, Sources, utc_now
from audit.controller.replicas import (
    METRICS_PORT,
    EndpointReplicas,
    GivenReplicas,
    Replicas,
    address_of,
)
from audit.controller.scanning import ClusterScanner
from audit.controller.sources import EvidenceSource, NoScans, ScanningSource
from karb_guard.assembly.policies import Choices, read_catalogue
from karb_guard.cluster.client import ClusterClient, connect
from karb_guard.cluster.leases import Alone, Candidacy, Leader
from karb_guard.cluster.logs import LEVELS, configure
from karb_guard.model.errors import UsageError
from karb_guard.rollout.times import duration_of

if TYPE_CHECKING:
    from audit.evidence.store import EvidenceStore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``rollout controller``."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration")
    parser.add_argument(
        "--policies", action="append", default=[], metavar="DIR", help="policies of your own"
    )
    parser.add_argument("--kubeconfig", type=Path, metavar="FILE", help="how to reach the cluster")
    parser.add_argument(
        "--in-cluster", action="store_true", help="use the pod's own service account"
    )
    parser.add_argument(
        "--namespace",
        default=os.environ.get("POD_NAMESPACE"),
        metavar="NAME",
        help="that the webhook runs in: where its Service and the Lease are",
    )
    parser.add_argument(
        "--lease",
        metavar="NAME",
        help="elect a leader by this Lease of --namespace (default: this is the only controller)",
    )
    parser.add_argument(
        "--webhook-service", metavar="NAME", help="whose endpoints are the webhook's replicas"
    )
    parser.add_argument("--metrics-port", type=int, default=METRICS_PORT, metavar="PORT")
    parser.add_argument(
        "--replica",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="/metrics of a replica, instead of --webhook-service; repeatable, and name them all",
    )
    parser.add_argument(
        "--evidence-file",
        type=Path,
        metavar="FILE",
        help="holds the URL of the evidence database that scans are written to "
        "(sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME)",
    )
    parser.add_argument(
        "--scan-every",
        type=_duration,
        metavar="TIME",
        help="scan the cluster in this process, so often; with --evidence-file, keep the counts "
        "there (default: somebody else scans: `karb-guard audit --evidence`)",
    )
    parser.add_argument(
        "--cluster", metavar="NAME", help="whose scans count, where the database holds several"
    )
    parser.add_argument(
        "--every",
        type=_duration,
        default=datetime.timedelta(seconds=30),
        metavar="TIME",
        help="between two looks (default 30s)",
    )
    parser.add_argument("--log-level", choices=LEVELS, default="info")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT. Raises ``KarbGuardError``."""
    check(args)
    configure(args.log_level)
    client = connect(args.kubeconfig)
    catalogue, _ = read_catalogue(Choices(args.config, args.policies))
    names = {i.id: i.name for i in catalogue} | {i.name: i.name for i in catalogue}
    sources = Sources(replicas_of(args, client), source_of(args, client), names)
    leader = Leader(client, Candidacy(args.namespace, args.lease)) if args.lease else None
    controller = Controller(client, sources, leader or Alone())

    def end(number: int, frame: FrameType | None) -> None:
        controller.stop()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    if leader is not None:
        leader.start()
    try:
        controller.run(args.every)
    finally:
        if leader is not None:
            leader.stop()
    return 0


def check(args: argparse.Namespace) -> None:
    """Refuse arguments that don't go together, by name."""
    if (args.kubeconfig is None) is not args.in_cluster:
        raise UsageError("give one of --kubeconfig and --in-cluster")
    if bool(args.replica) == bool(args.webhook_service):
        raise UsageError("give one of --webhook-service and --replica")
    if args.webhook_service and not args.namespace:
        raise UsageError("--webhook-service needs --namespace")
    if args.lease and not args.namespace:
        raise UsageError("--lease needs --namespace")
    for text in args.replica:
        try:
            address_of(text)
        except ValueError as error:
            raise UsageError(f"--replica {error}") from error


def replicas_of(args: argparse.Namespace, client: ClusterClient) -> Replicas:
    """Where the webhook's counters are."""
    if args.replica:
        return GivenReplicas(tuple(args.replica))
    return EndpointReplicas(client, args.namespace, args.webhook_service, args.metrics_port)


def source_of(args: argparse.Namespace, client: ClusterClient) -> EvidenceSource:
    """Where scans come from; without any nothing is promoted."""
    if args.scan_every is not None:
        return _scanning(args, client)
    return NoScans() if args.evidence_file is None else _stored(args)


def _scanning(args: argparse.Namespace, client: ClusterClient) -> EvidenceSource:
    scanner = ClusterScanner(client, Choices(args.config, args.policies), args.cluster)
    keep = None if args.evidence_file is None else _store(args).record
    return ScanningSource(scanner.scan, args.scan_every, utc_now, keep)


def _stored(args: argparse.Namespace) -> EvidenceSource:
    from audit.evidence.source import StoredScans

    return StoredScans(_store(args), args.cluster)


def _store(args: argparse.Namespace) -> EvidenceStore:
    try:
        url = args.evidence_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--evidence-file {args.evidence_file}: can't be read: {error}") from error
    try:
        from audit.evidence.store import EvidenceStore
    except ModuleNotFoundError as error:
        message = f"{error.name} is not installed; pip install 'karb-guard[evidence]'"
        raise UsageError(message) from error
    return EvidenceStore(url)


def _duration(text: str) -> datetime.timedelta:
    found = duration_of(text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text}: needs to be a duration such as 30s")
    return found
