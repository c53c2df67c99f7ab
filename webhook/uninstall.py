"""``karb-guard webhook unregister``: takes the webhook configurations away, and keeps them away.

Run before an uninstall (the chart's pre-delete hook). It needs no replica: a cluster whose webhook
is dead and fails closed works again once this is done. Replicas that live would put their
registration right again, so their Lease is taken first: who doesn't lead writes nothing.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import time
from pathlib import Path

from karb_guard.cluster.client import ClusterClient, Json, connect, segment
from karb_guard.cluster.errors import ClusterError, ConflictError
from karb_guard.cluster.leases import LONGEST_DURATION_SECONDS, LeaseTimes, collection
from karb_guard.model.errors import UsageError
from webhook.registration import COLLECTIONS
from webhook.rules import NAME

HOLDER = "karb-guard-unregister"
ATTEMPTS = 20
AWAY_SECONDS = LeaseTimes().renew_deadline + 1.0
"""A leader that has not noticed the loss of its Lease stops writing within so long."""
LOOK_SECONDS = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``webhook unregister``."""
    parser.add_argument("--kubeconfig", type=Path, metavar="FILE", help="how to reach the cluster")
    parser.add_argument(
        "--in-cluster", action="store_true", help="use the pod's own service account"
    )
    parser.add_argument("--namespace", metavar="NAME", help="that the Lease is in")
    parser.add_argument(
        "--lease", metavar="NAME", help="of the replicas: taken, so that none registers again"
    )
    parser.add_argument(
        "--registration-name",
        default=NAME,
        metavar="NAME",
        help=f"of the webhook configurations (default {NAME})",
    )


def run(args: argparse.Namespace) -> int:
    """Unregister. Raises ``ClusterError`` for what can't be done, after what could is."""
    if (args.kubeconfig is None) == (not args.in_cluster):
        raise UsageError("give one of --kubeconfig and --in-cluster")
    if (args.lease is None) != (args.namespace is None):
        raise UsageError("--lease and --namespace go together")
    client = connect(args.kubeconfig)
    held = False
    if args.lease is not None:
        held = take_lease(client, args.namespace, args.lease)
    delete(client, args.registration_name)
    if held:
        _keep_away(client, args.registration_name)
    _say("no webhook configuration is left")
    return 0


def take_lease(client: ClusterClient, namespace: str, name: str) -> bool:
    """Make us the holder; ``False`` where there is no Lease, hence no leader.

    It runs out after ten minutes: should the uninstall not go on, the replicas do.
    """
    path = f"{collection(namespace)}/{segment(name)}"
    for _ in range(ATTEMPTS):
        lease = client.get(path)
        if lease is None:
            _say(f"lease {namespace}/{name}: there is none, so no replica leads")
            return False
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {
            **(lease.get("spec") or {}),
            "holderIdentity": HOLDER,
            "leaseDurationSeconds": LONGEST_DURATION_SECONDS,
            "acquireTime": now,
            "renewTime": now,
        }
        try:
            client.replace(path, {**lease, "spec": spec})
        except ConflictError:
            continue  # its holder renewed it in the meantime
        _say(f"lease {namespace}/{name}: taken for {LONGEST_DURATION_SECONDS} s")
        return True
    raise ClusterError(f"lease {namespace}/{name}: it changed at each of {ATTEMPTS} attempts")


def delete(client: ClusterClient, name: str) -> None:
    """Delete the configurations that exist."""
    for kind, path in COLLECTIONS.items():
        stored: Json | None = client.get(f"{path}/{segment(name)}")
        if stored is not None:
            client.delete(f"{path}/{segment(name)}")
            _say(f"{kind} {name}: deleted")


def _keep_away(client: ClusterClient, name: str) -> None:
    """Delete what a replica puts back that doesn't know yet that it leads no more."""
    deadline = time.monotonic() + AWAY_SECONDS
    while time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        delete(client, name)


def _say(line: str) -> None:
    print(line)
    sys.stdout.flush()
