"""The kinds of the chart, InvariantRollout and Waiver, and objects of them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import yaml

from tests.support.controlplane import REPOSITORY, Cluster
from tests.support.e2e_cluster import Json, installed

API_VERSION = "karb.dev/v1alpha1"
CRDS = REPOSITORY / "charts/karb-guard/files/crds"


@contextlib.contextmanager
def chart_kinds(cluster: Cluster) -> Iterator[None]:
    """The CustomResourceDefinitions of the chart."""
    with ExitStack() as stack:
        for file in sorted(CRDS.glob("*.yaml")):
            stack.enter_context(installed(cluster, yaml.safe_load(file.read_text())))
        yield


def rollout(*namespaces: str, invariant: str = "res-mem", **spec: Any) -> Json:
    """An InvariantRollout that wants ``invariant`` enforced in ``namespaces``."""
    entries = [{"name": name, "stage": "enforce"} for name in namespaces]
    listed = {"namespaces": entries} if entries else {}
    return {
        "apiVersion": API_VERSION,
        "kind": "InvariantRollout",
        "metadata": {"name": invariant},
        "spec": {"invariant": invariant, **listed, **spec},
    }


def waiver(namespace: str, name: str, workload: str = "probe", **spec: Any) -> Json:
    """A Waiver of ``res-mem`` for the Deployment ``workload``, for thirty days."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Waiver",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "invariant": "res-mem",
            "workload": {"kind": "Deployment", "name": workload},
            "reason": "measured next week",
            "owner": "team-llm",
            "until": time.strftime("%Y-%m-%d", time.gmtime(time.time() + 30 * 86400)),
            **spec,
        },
    }
