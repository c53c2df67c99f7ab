"""A workload from before the enforcement keeps its pods; a new one like it is denied."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.api_proxy import ApiProxy
from tests.support.balancer import until
from tests.support.controlplane import REPOSITORY, Cluster
from tests.support.drilling import Drill
from tests.support.e2e_cluster import BAD, Namespaces, denied, deployment, pod
from tests.support.fleet import Fleet
from tests.support.own_objects import rollout

pytestmark = [pytest.mark.e2e, pytest.mark.drill]

CRDS = REPOSITORY / "charts" / "karb-guard" / "files" / "crds"
Json = dict[str, Any]


def pods(cluster: Cluster, where: str) -> set[str]:
    listed = cluster.kubectl("get", "pods", f"-n{where}", "-lapp=llm", "-ojson").stdout
    items = json.loads(listed)["items"]
    return {i["metadata"]["name"] for i in items if "deletionTimestamp" not in i["metadata"]}


def enforce(cluster: Cluster, where: str) -> None:
    """What a rollout's controller does when a namespace gets to ``enforce``."""
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(rollout(where)))
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = {"status": {"namespaces": [{"name": where, "stage": "enforce", "since": now}]}}
    what = ("patch", "invariantrollout", "res-mem", "--subresource=status", "--type=merge", "-p")
    cluster.kubectl(*what, json.dumps(status))


def test_enforce_then_delete_an_old_pod(  # noqa: PLR0917
    deploy: Callable[..., Any],
    drill: Callable[[str, Fleet], Drill],
    kinds: None,
    cluster: Cluster,
    api: ApiProxy,
    namespaces: Namespaces,
) -> None:
    with deploy() as fleet:
        this = drill("grandfathering", fleet)
        where = namespaces.make("warn", fleet)
        assert api.create(deployment("old", 2, **BAD), where).status == 201
        until(lambda: len(pods(cluster, where)) == 2, 30, "the old workload's pods are there")
        time.sleep(1.1)  # creation times have whole seconds
        enforce(cluster, where)
        until(lambda: denied(api, where) is not None, 20, "res-mem is enforced")
        assert api.create(pod("alone", **BAD), where, dry_run=True).status == 403
        before = pods(cluster, where)
        gone = min(before)
        cluster.kubectl("delete", "pod", f"-n{where}", gone, "--grace-period=0", "--force")
        event = time.monotonic()

        def back() -> bool:
            now = pods(cluster, where)
            return len(now) == 2 and gone not in now

        until(back, 30, "the pod of the old workload comes back")
        this.recovered("pod of a grandfathered workload deleted", time.monotonic() - event)
