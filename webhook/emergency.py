"""``karb-guard break-glass on|off|status``: works on the API server alone, with no replica alive.

``on`` writes a ConfigMap that the webhook watches: it goes on judging, and admits with a warning
what it would deny. ``--hard`` also tells API servers not to ask: for a webhook that doesn't answer.
Every step is printed with its undoing, and told by an Event.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from karb_guard.cluster.client import ClusterClient, connect, segment
from karb_guard.cluster.errors import ClusterError, ConflictError
from karb_guard.decisions.break_glass import (
    CONFIG_MAP,
    MAX_DURATION,
    BreakGlassError,
    read,
    switched_on,
)
from karb_guard.model.errors import UsageError
from karb_guard.values.duration import ValueFormatError, parse_duration_ms
from webhook import registration
from webhook.break_glass import HARD, collection, data_of, is_hard, summary, utc_now
from webhook.registration import COLLECTIONS, HELD_SECONDS, is_switched_off

Json = dict[str, Any]

NAMESPACE = "karb-guard"
ATTEMPTS = 5
OURS = {"labelSelector": "app.kubernetes.io/name=karb-guard"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``break-glass``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    on = actions.add_parser("on", help="deny nothing for a while; says how to undo it")
    off = actions.add_parser("off", help="deny again, and ask the webhook again")
    status = actions.add_parser("status", help="say what is on (exit code 1) or that nothing is")
    for action in (on, off, status):
        _add_cluster(action)
    on.add_argument("--reason", required=True, help="why; everybody who is warned reads it")
    on.add_argument(
        "--for",
        dest="duration",
        type=_duration,
        default=datetime.timedelta(hours=1),
        metavar="TIME",
        help="for how long, such as 30m or 2h; at most 24h (default 1h)",
    )
    on.add_argument(
        "--hard",
        action="store_true",
        help="also keep API servers from asking the webhook: for one that does not answer",
    )


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kubeconfig", type=Path, metavar="FILE", help="how to reach the cluster")
    parser.add_argument("--context", metavar="NAME", help="of the kubeconfig")
    parser.add_argument(
        "--namespace",
        default=NAMESPACE,
        metavar="NAME",
        help=f"that the webhook runs in (default {NAMESPACE})",
    )
    parser.add_argument(
        "--name",
        default=CONFIG_MAP,
        metavar="NAME",
        help=f"of the ConfigMap (default {CONFIG_MAP})",
    )


def run(args: argparse.Namespace) -> int:
    """Run one action. Exit codes: 0; ``status``: 1 while it is on."""
    client = connect(args.kubeconfig or _default_kubeconfig(), args.context)
    _say(f"cluster {client.host}")
    emergency = Emergency(client, args.namespace, args.name)
    if args.action == "on":
        emergency.on(args.reason, args.duration, hard=args.hard)
        return 0
    if args.action == "off":
        emergency.off()
        return 0
    return 1 if emergency.status() else 0


class Emergency:
    """What the three actions do, on one API server; each step is printed once it is done."""

    def __init__(self, client: ClusterClient, namespace: str, name: str) -> None:
        self._client = client
        self._namespace, self._name = namespace, name
        self._path = f"{collection(namespace)}/{segment(name)}"

    def on(self, reason: str, duration: datetime.timedelta, *, hard: bool) -> None:
        """Switch on. Raises ``ClusterError``; what was done before is printed."""
        try:
            state = switched_on(self._who() or "unknown", reason, utc_now(), duration)
        except BreakGlassError as error:
            raise UsageError(f"--reason: {error}") from error
        # First the ConfigMap: a registrar that sees the change asks it before repairing.
        self._write({**state.to_data(), **({HARD: "true"} if hard else {})})
        _say(f"configmap {self._namespace}/{self._name}: written")
        _say(f"  {summary(state)}")
        if hard:
            self._switch_off()
        else:
            _say("  webhooks that run admit with a warning what they would deny, within seconds")
            _say("  (if none answers and requests fail: add --hard)")
        self._event("BreakGlassOn", f"{'hard ' if hard else ''}{summary(state)}")
        again = f"; a webhook that runs is asked again within {HELD_SECONDS:.0f} s" if hard else ""
        _say(f"ends by itself at {state.to_data()['until']}{again}")
        _say(f"to undo: karb-guard break-glass off --namespace {self._namespace}{self._flag()}")

    def off(self) -> None:
        """Switch off; fine where it is not on."""
        for kind, document in self._configurations():
            if is_switched_off(document):
                self._change(kind, document["metadata"]["name"], registration.switched_on)
                _say(f"{kind} {document['metadata']['name']}: asked again (matchCondition removed)")
        existed = self._client.get(self._path) is not None
        self._client.delete(self._path)
        if existed:
            _say(f"configmap {self._namespace}/{self._name}: deleted")
            self._event("BreakGlassOff", f"break-glass switched off by {self._who() or 'unknown'}")
        _say("break-glass is off")

    def status(self) -> bool:
        """Print what is on; whether anything is."""
        on = False
        found = self._client.get(self._path)
        if found is not None:
            on = self._tell(data_of(found))
        for kind, document in self._configurations():
            if is_switched_off(document):
                on = True
                _say(f"{kind} {document['metadata']['name']}: API servers don't ask it")
        if not on:
            _say("break-glass is off")
        return on

    def _tell(self, data: Json) -> bool:
        try:
            state = read(data)
        except BreakGlassError as error:
            _say(f"configmap {self._namespace}/{self._name}: counts as off: {error}")
            return False
        if state is None:
            return False
        if not state.active(utc_now()):
            _say(f"ended: {summary(state)}")
            return False
        _say(f"{'hard ' if is_hard(data) else ''}{summary(state)}")
        return True

    def _switch_off(self) -> None:
        switched = 0
        for kind, document in self._configurations():
            name = document["metadata"]["name"]
            changed = self._change(kind, name, registration.switched_off)
            switched += 1
            webhooks = ", ".join(str(w.get("name")) for w in changed.get("webhooks") or [])
            _say(f"{kind} {name}: API servers no longer ask {webhooks}")
            _say("  (matchCondition break-glass.karb.dev: false; nothing else is changed)")
        if not switched:
            _say(
                f"no webhook configuration with the label {OURS['labelSelector']} leads to "
                f"namespace {self._namespace}: nothing to switch off"
            )

    def _configurations(self) -> Iterator[tuple[str, Json]]:
        """Those of the webhook in our namespace, or of one that is reached by URL."""
        for kind, path in COLLECTIONS.items():
            for document in self._client.list(path, OURS)[0]:
                configs = [w.get("clientConfig") or {} for w in document.get("webhooks") or []]
                services = [c["service"].get("namespace") for c in configs if c.get("service")]
                if all(namespace == self._namespace for namespace in services):
                    yield kind, document

    def _change(self, kind: str, name: str, change: Any) -> Json:
        path = f"{COLLECTIONS[kind]}/{segment(name)}"
        for _ in range(ATTEMPTS):
            stored = self._client.get(path)
            if stored is None:
                raise ClusterError(f"{kind} {name}: it was deleted in the meantime")
            try:
                return self._client.replace(path, change(stored))
            except ConflictError:
                continue
        raise ClusterError(f"{kind} {name}: it changed at each of {ATTEMPTS} attempts to write it")

    def _write(self, data: Json) -> None:
        document = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self._name,
                "labels": {"app.kubernetes.io/name": "karb-guard"},
            },
            "data": data,
        }
        for _ in range(ATTEMPTS):
            stored = self._client.get(self._path)
            try:
                if stored is None:
                    self._client.create(collection(self._namespace), document)
                else:
                    self._client.replace(self._path, {**stored, "data": data})
            except ConflictError:
                continue
            return
        raise ClusterError(
            f"configmap {self._namespace}/{self._name}: it changed at each of {ATTEMPTS} attempts"
        )

    def _who(self) -> str:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        try:
            answer = self._client.create(
                "/apis/authentication.k8s.io/v1/selfsubjectreviews", review
            )
            return str(answer["status"]["userInfo"]["username"])[:256]
        except (ClusterError, KeyError, TypeError):
            return ""  # an emergency does not fail for the want of a name

    def _event(self, reason: str, note: str) -> None:
        now = utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{self._name}."},
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "name": self._name,
                "namespace": self._namespace,
            },
            "reason": reason,
            "message": note[:1000],
            "type": "Warning",
            "source": {"component": "karb-guard"},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            self._client.create(f"/api/v1/namespaces/{segment(self._namespace)}/events", event)
            _say(f"event {reason}: posted in namespace {self._namespace}")
        except ClusterError as error:
            _say(f"event {reason}: not posted ({error})")

    def _flag(self) -> str:
        return "" if self._name == CONFIG_MAP else f" --name {self._name}"


def _default_kubeconfig() -> Path | None:
    """What kubectl would take; ``None``: the cluster that this runs in, if any."""
    named = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    file = Path(named) if named else Path.home() / ".kube" / "config"
    return file if named or file.exists() else None


def _duration(text: str) -> datetime.timedelta:
    try:
        found = datetime.timedelta(milliseconds=parse_duration_ms(text))
    except (ValueFormatError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error
    if not datetime.timedelta(seconds=1) <= found <= MAX_DURATION:
        hours = MAX_DURATION.total_seconds() / 3600
        raise argparse.ArgumentTypeError(f"{text}: needs to be 1s to {hours:.0f}h")
    return found


def _say(line: str) -> None:
    print(line)
    sys.stdout.flush()  # an emergency may be interrupted: what is done has to be known
