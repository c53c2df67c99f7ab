"""What is broken altogether comes back by itself, and an uninstall leaves a cluster that works."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.api_proxy import ApiProxy
from tests.support.balancer import until
from tests.support.controlplane import Cluster
from tests.support.drilling import Drill
from tests.support.e2e_cluster import Namespaces, denied, deployment
from tests.support.fleet import Fleet
from tests.support.webhook_process import KIND, LABEL, unique
from webhook.certificates import new_authority

pytestmark = [pytest.mark.e2e, pytest.mark.drill]

Make = Callable[[str, Fleet], Drill]


def test_all_replicas_gone(deploy: Callable[..., Any], drill: Make) -> None:
    with deploy() as fleet:
        this = drill("all replicas gone", fleet)
        for replica in list(fleet.replicas):
            fleet.kill(replica)
        answer = this.api.create(deployment(), this.where[0], dry_run=True)
        assert "failed calling webhook" in answer.message, "failurePolicy is Fail"
        event = time.monotonic()
        fleet.start_ready(2)
        this.in_force()
        this.recovered("all replicas gone (from their start)", time.monotonic() - event)


def test_the_webhook_configuration_was_deleted(
    deploy: Callable[..., Any], drill: Make, cluster: Cluster
) -> None:
    with deploy() as fleet:
        this = drill("webhook configuration deleted", fleet)
        cluster.kubectl("delete", KIND, fleet.name)
        event = time.monotonic()
        fleet.wait_registered()
        this.in_force()
        this.recovered("webhook configuration deleted", time.monotonic() - event)


def test_a_namespace_was_relabelled(
    deploy: Callable[..., Any], drill: Make, cluster: Cluster, api: ApiProxy
) -> None:
    with deploy() as fleet:
        this = drill("namespace relabelled", fleet)
        where = this.where[0]
        cluster.kubectl("label", "namespace", where, f"{LABEL}-")
        until(lambda: denied(api, where) is None, 20, "the webhook is not asked any more")
        cluster.kubectl("label", "namespace", where, f"{LABEL}={fleet.name}")
        event = time.monotonic()
        this.in_force()
        this.recovered("namespace relabelled", time.monotonic() - event)


def test_a_stage_label_takes_effect(
    deploy: Callable[..., Any], namespaces: Namespaces, drill: Make, cluster: Cluster, api: ApiProxy
) -> None:
    with deploy() as fleet:
        this = drill("stage label", fleet)
        where = namespaces.make("warn", fleet)
        assert denied(api, where) is None
        cluster.kubectl("label", "namespace", where, "karb.dev/stage=enforce")
        event = time.monotonic()
        until(lambda: denied(api, where) is not None, 20, "the label tightens")
        this.recovered("stage label set (in force)", time.monotonic() - event)


def test_the_authority_expired(deploy: Callable[..., Any], drill: Make, cluster: Cluster) -> None:
    """Also for running replicas: what they serve is signed by it, and renewals would be too."""
    with deploy() as fleet:
        this = drill("CA expired", fleet)
        long_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=400)
        expired = new_authority(long_ago)
        fleet.put_authority(expired.certificate, expired.key)
        for replica in list(fleet.replicas):
            fleet.kill(replica)
        event = time.monotonic()
        fleet.start_ready(2)
        this.in_force()
        this.recovered("CA expired, replicas restarted", time.monotonic() - event)


def test_uninstall_with_all_replicas_dead(
    deploy: Callable[..., Any], drill: Make, cluster: Cluster, api: ApiProxy
) -> None:
    owner = unique("karb-owner")
    cluster.kubectl("create", "clusterrole", owner, "--verb=get", "--resource=pods")
    path = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{owner}"
    with deploy(arguments=[f"--owner={path}"]) as fleet:
        this = drill("uninstall", fleet)
        for replica in list(fleet.replicas):
            fleet.kill(replica)
        assert "failed calling" in api.create(deployment(), this.where[0], dry_run=True).message
        event = time.monotonic()
        cluster.kubectl("delete", "clusterrole", owner)

        def works() -> bool:
            return all(api.create(deployment(), w, dry_run=True).status == 201 for w in this.where)

        until(works, 60, "creates work after the uninstall")
        this.recovered("uninstall with all replicas dead", time.monotonic() - event)
        assert cluster.kubectl("get", KIND, fleet.name, check=False).returncode != 0
