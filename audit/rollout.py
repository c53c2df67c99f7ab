"""``karb-guard rollout``: what staged rollouts do, and what people may ask of them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audit.controller import main as controller
from audit.controller.loop import utc_now
from karb_guard.cluster.client import ClusterClient, connect, segment
from karb_guard.cluster.errors import ClusterError, ConflictError
from karb_guard.decisions import rollouts
from karb_guard.model.errors import UsageError
from karb_guard.model.stage import Stage
from karb_guard.rollout import outlook, wishes
from karb_guard.rollout.outlook import Row
from karb_guard.rollout.plan import is_staged

Json = dict[str, Any]

ATTEMPTS = 5
STATUS_COLUMNS = ("INVARIANT", "NAMESPACE", "STAGE", "TARGET", "SINCE", "REASON", "WHY")
PLAN_COLUMNS = ("INVARIANT", "NAMESPACE", "STEP", "NOT BEFORE", "WAVE", "WAITS FOR")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``rollout``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    status = actions.add_parser("status", help="where each namespace is, and why")
    plan = actions.add_parser("plan", help="which step comes next where, and what it waits for")
    promote = actions.add_parser(
        "promote", help="ask for a namespace's next stage without its soak time; evidence is needed"
    )
    back = actions.add_parser("rollback", help="bring a namespace back to a lower stage, at once")
    for action in (status, plan):
        action.add_argument("invariants", nargs="*", metavar="INVARIANT", help="only these")
        action.add_argument("--namespace", "-n", metavar="NAME", help="only this one")
        action.add_argument("--format", choices=("text", "json"), default="text")
    for action in (promote, back):
        action.add_argument("invariant", metavar="INVARIANT", help="short name or id")
        action.add_argument("--namespace", "-n", metavar="NAME", required=True)
    back.add_argument(
        "--to",
        choices=[s.value for s in (Stage.OFF, Stage.AUDIT, Stage.WARN)],
        help="(default: one stage lower)",
    )
    for action in (status, plan, promote, back):
        _add_cluster(action)
    run_controller = actions.add_parser("controller", help="move stages on evidence, until SIGTERM")
    controller.add_arguments(run_controller)


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kubeconfig", type=Path, metavar="FILE", help="how to reach the cluster")
    parser.add_argument("--context", metavar="NAME", help="of the kubeconfig")


def run(args: argparse.Namespace) -> int:
    """Run one action. Exit codes: 0; 2 refused, with the reason."""
    if args.action == "controller":
        return controller.run(args)
    client = connect(args.kubeconfig or _default_kubeconfig(), args.context)
    commands = Commands(client)
    if args.action in ("status", "plan"):
        found = commands.rows(args.invariants, args.namespace)
        if args.format == "json":
            text = json.dumps([row._asdict() for row in found], indent=2) + "\n"
        else:
            text = _status(found) if args.action == "status" else _plan(found)
        sys.stdout.write(text)
        return 0
    if args.action == "promote":
        done = commands.promote(args.invariant, args.namespace)
    else:
        done = commands.roll_back(args.invariant, args.namespace, args.to and Stage(args.to))
    print(f"{args.invariant}: {done}")
    return 0


class Commands:
    """The actions on one API server."""

    def __init__(self, client: ClusterClient) -> None:
        self._client = client

    def rows(self, invariants: Sequence[str], namespace: str | None) -> list[Row]:
        """All namespaces of all staged rollouts, or of those asked for."""
        objects = self._objects()
        chosen = [o for o in objects if is_staged(o) and (not invariants or _is(o, invariants))]
        unknown = [name for name in invariants if not any(_is(o, [name]) for o in objects)]
        if unknown:
            raise UsageError(f"there is no {rollouts.KIND} of {', '.join(unknown)}")
        labels = self._namespaces(namespace)
        now = utc_now()
        return [row for obj in chosen for row in outlook.rows(obj, labels, now)]

    def promote(self, invariant: str, namespace: str) -> str:
        """Ask for the next stage. Raises ``RefusedError``."""
        by = self._who()
        labels = self._namespaces(namespace)[namespace]
        return self._change(
            invariant, lambda obj: wishes.promoted(obj, namespace, labels, by=by, now=utc_now())
        )

    def roll_back(self, invariant: str, namespace: str, to: Stage | None) -> str:
        """Ask for less. Raises ``RefusedError``."""
        labels = self._namespaces(namespace)[namespace]
        return self._change(invariant, lambda obj: wishes.rolled_back(obj, namespace, labels, to))

    def _change(self, invariant: str, change: Any) -> str:
        for _ in range(ATTEMPTS):
            found = [o for o in self._objects() if _is(o, [invariant])]
            if not found:
                raise UsageError(f"there is no {rollouts.KIND} of {invariant}")
            changed, done = change(found[0])
            path = f"{rollouts.PATH}/{segment(changed['metadata']['name'])}"
            try:
                self._client.replace(path, changed)
            except ConflictError:
                continue
            return str(done)
        raise ClusterError(f"{invariant}: it changed at each of {ATTEMPTS} attempts to write it")

    def _objects(self) -> list[Json]:
        try:
            objects, _ = self._client.list(rollouts.PATH)
        except ClusterError as error:
            if error.status == 404:
                raise UsageError(
                    f"the cluster has no kind {rollouts.KIND}: install the chart's CRDs"
                ) from error
            raise
        return sorted(objects, key=lambda o: str(o["metadata"].get("creationTimestamp")))

    def _namespaces(self, only: str | None) -> dict[str, dict[str, str]]:
        if only is not None:
            found = self._client.get(f"/api/v1/namespaces/{segment(only)}")
            if found is None:
                raise UsageError(f"there is no namespace {only}")
            return {only: found["metadata"].get("labels") or {}}
        objects, _ = self._client.list("/api/v1/namespaces")
        return {o["metadata"]["name"]: o["metadata"].get("labels") or {} for o in objects}

    def _who(self) -> str:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        try:
            return str(self._client.create(path, review)["status"]["userInfo"]["username"])[:256]
        except (ClusterError, KeyError, TypeError):
            return ""  # the audit log knows


def _is(obj: Json, invariants: Sequence[str]) -> bool:
    names = {str(obj["spec"].get("invariant")).lower(), obj["metadata"]["name"]}
    return any(name.lower() in names for name in invariants)


def _status(found: Sequence[Row]) -> str:
    if not found:
        return "no staged rollout speaks about a namespace here\n"
    return _table(
        STATUS_COLUMNS,
        [
            (r.invariant, r.namespace, r.stage, r.target, r.since, r.reason, r.message)
            for r in found
        ],
    )


def _plan(found: Sequence[Row]) -> str:
    ahead = [row for row in found if row.following]
    if not ahead:
        return "nothing to do: every namespace is where spec wants it\n"
    return _table(
        PLAN_COLUMNS,
        [
            (
                r.invariant,
                r.namespace,
                f"{r.stage} -> {r.following}",
                r.not_before,
                r.wave,
                f"{r.reason}: {r.message}" if r.message else r.reason,
            )
            for r in ahead
        ],
    )


def _table(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [columns, *lines]
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns) - 1)] + [0]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        + "\n"
        for row in rows
    )


def _default_kubeconfig() -> Path | None:
    """What kubectl would take; ``None``: the cluster that this runs in, if any."""
    named = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    file = Path(named) if named else Path.home() / ".kube" / "config"
    return file if named or file.exists() else None
