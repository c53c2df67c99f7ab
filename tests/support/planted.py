"""A cluster with known violations: what is planted, and what a scan has to say about it."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from karb_guard.model.finding import ObjectRef
from karb_guard.model.report import Report
from tests.support.controlplane import Cluster

EXAMPLES = Path(__file__).parents[2] / "examples" / "good"
DATA = Path(__file__).parents[1] / "e2e" / "data"
PARAMS = ["img-registry.registries=[registry.example.com]"]
UNSERVED = ["as-served"]
"""No metrics server runs in these clusters, so no autoscaler of custom metrics has any."""
SETTINGS = ["--set", *PARAMS, "--ignore", *UNSERVED]

Json = dict[str, Any]
Planted = tuple[str, str]
"""(``namespace/Kind/name`` of the owner, short name of the invariant)."""

CLUSTER: list[Json] = [
    {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "nvidia"},
        "handler": "nvidia",
    },
    {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "inference-critical"},
        "value": 1000,
    },
]
"""What the good example takes for granted."""


def good_stack(namespace: str) -> list[Json]:
    """The good example, in a namespace of its own: no findings."""
    objects: list[Json] = []
    for file in ("namespace.yaml", "server.yaml"):
        objects += yaml.safe_load_all((EXAMPLES / file).read_text())
    for obj in objects:
        if obj["kind"] == "Namespace":
            obj["metadata"]["name"] = namespace
        else:
            obj["metadata"]["namespace"] = namespace
    find(objects, "Deployment")["spec"]["replicas"] = 2  # what its autoscaler makes of it
    return objects


def find(objects: list[Json], kind: str) -> Json:
    """The first object of a kind."""
    return next(obj for obj in objects if obj["kind"] == kind)


@dataclass
class Plot:
    """Objects of one namespace, and what is wrong there."""

    namespace: str
    objects: list[Json]
    wrong: set[Planted] = field(default_factory=set)

    def plant(self, kind: str, name: str, invariant: str) -> None:
        """Expect a finding about an object of this namespace."""
        place = f"{self.namespace}/{kind}/{name}" if kind != "Namespace" else f"Namespace/{name}"
        self.wrong.add((place, invariant))


def plots(prefix: str) -> list[Plot]:
    """One clean namespace, and one for each way to be wrong."""
    return [make(f"{prefix}-{name}") for name, make in _MAKERS.items()]


def _clean(namespace: str) -> Plot:
    return Plot(namespace, good_stack(namespace))


def _no_memory_limit(namespace: str) -> Plot:
    plot = Plot(namespace, good_stack(namespace))
    containers = find(plot.objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    del containers[1]["resources"]["limits"]
    plot.plant("Deployment", "chat-server", "res-mem")
    return plot


def _floating_tag(namespace: str) -> Plot:
    plot = Plot(namespace, good_stack(namespace))
    containers = find(plot.objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    containers[1]["image"] = "registry.example.com/ml/queue-exporter:latest"
    plot.plant("Deployment", "chat-server", "img-tag")
    plot.plant("Deployment", "chat-server", "img-digest")
    return plot


def _bare_namespace(namespace: str) -> Plot:
    plot = Plot(namespace, good_stack(namespace))
    find(plot.objects, "Namespace")["metadata"]["labels"] = {}
    plot.plant("Namespace", namespace, "pss-ns-label")
    return plot


def _no_budget(namespace: str) -> Plot:
    objects = [o for o in good_stack(namespace) if o["kind"] != "PodDisruptionBudget"]
    plot = Plot(namespace, objects)
    plot.plant("Deployment", "chat-server", "av-pdb")
    return plot


def _no_scaler(namespace: str) -> Plot:
    objects = [o for o in good_stack(namespace) if o["kind"] != "HorizontalPodAutoscaler"]
    plot = Plot(namespace, objects)
    plot.plant("Deployment", "chat-server", "av-scaler")
    return plot


def _dangling_scaler(namespace: str) -> Plot:
    plot = Plot(namespace, good_stack(namespace))
    scaler = copy.deepcopy(find(plot.objects, "HorizontalPodAutoscaler"))
    scaler["metadata"]["name"] = "gone"
    scaler["spec"]["scaleTargetRef"]["name"] = "gone"
    plot.objects.append(scaler)
    plot.plant("HorizontalPodAutoscaler", "gone", "as-target")
    return plot


def _waived(namespace: str) -> Plot:
    """Wrong, and waived: nothing is open."""
    plot = _no_memory_limit(namespace)
    plot.wrong.clear()
    annotations = find(plot.objects, "Deployment")["metadata"].setdefault("annotations", {})
    annotations["waive.karb.dev/res-mem.metrics"] = "it is measured first until=2099-12-31"
    return plot


WIDGETS_FAULTS = ("pss-baseline", "pss-restricted", "gpu-bypass")
"""Of a privileged container."""


def _custom_resource(namespace: str) -> Plot:
    """A kind that nobody knows: its pod template is found by walking it."""
    plot = Plot(namespace, good_stack(namespace))
    template = copy.deepcopy(find(plot.objects, "Deployment")["spec"]["template"])
    template["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    widget = {
        "apiVersion": "e2e.karb.dev/v1",
        "kind": "Widget",
        "metadata": {"name": "odd", "namespace": namespace},
        "spec": {"template": template},
    }
    plot.objects.append(widget)
    for invariant in WIDGETS_FAULTS:
        plot.plant("Widget", "odd", invariant)
    return plot


MIB = 2**20
ANNOTATIONS = 256 * 1024
"""Bytes that the API server takes in an object's annotations."""


def _large(namespace: str) -> Plot:
    """As large as an API server takes: what is wrong in there is found all the same.

    Annotations up to their limit, which every pod of the Deployment carries, and a custom
    resource of 1 MiB: notes beside its pod template, and arguments in it.
    """
    plot = _no_memory_limit(namespace)
    template = find(plot.objects, "Deployment")["spec"]["template"]
    room = ANNOTATIONS - 1024
    template["metadata"]["annotations"]["example.com/notes"] = "n" * room
    heavy = copy.deepcopy(find(_custom_resource(namespace).objects, "Widget"))
    heavy["metadata"]["name"] = "heavy"
    heavy["spec"]["notes"] = [f"note {number}: {'n' * 500}" for number in range(MIB // 1024)]
    container = heavy["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [
        {"name": f"NOTE_{number}", "value": "n" * 1024} for number in range(MIB // 2048)
    ]
    assert MIB < len(json.dumps(heavy)) < MIB + 2**17
    plot.objects.append(heavy)
    for invariant in WIDGETS_FAULTS:
        plot.plant("Widget", "heavy", invariant)
    return plot


_MAKERS = {
    "clean": _clean,
    "memory": _no_memory_limit,
    "tag": _floating_tag,
    "bare": _bare_namespace,
    "budget": _no_budget,
    "scaler": _no_scaler,
    "dangling": _dangling_scaler,
    "waived": _waived,
    "large": _large,
    "widget": _custom_resource,
}


def wrong(found: list[Plot]) -> set[Planted]:
    """Everything that is planted."""
    return {each for plot in found for each in plot.wrong}


def as_list(objects: list[Json]) -> str:
    """For ``kubectl create -f -``."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def install(cluster: Cluster, found: list[Plot]) -> None:
    """Create it all and wait until every Deployment has its pods."""
    crds = [yaml.safe_load((DATA / "crd-widgets.yaml").read_text())]
    cluster.kubectl("apply", "-f", "-", stdin=as_list([*CLUSTER, *crds]))
    cluster.kubectl(
        "wait", "--for=condition=Established", "crd/widgets.e2e.karb.dev", "--timeout=30s"
    )
    for plot in found:
        first = [o for o in plot.objects if o["kind"] in ("Namespace", "ServiceAccount")]
        rest = [o for o in plot.objects if o not in first]
        cluster.kubectl("create", "-f", "-", stdin=as_list(first))
        cluster.kubectl("create", "-f", "-", stdin=as_list(rest))


def inject(cluster: Cluster, plot: Plot) -> None:
    """Three pods of the Widget, alike but for their names, with a container that nobody asked for.

    It is without a memory limit, which only the pods can be blamed for.
    """
    name = f"-n{plot.namespace}"
    uid = cluster.kubectl("get", name, "widget", "odd", "-o", "jsonpath={.metadata.uid}").stdout
    template = find(plot.objects, "Widget")["spec"]["template"]
    sidecar = copy.deepcopy(template["spec"]["containers"][1])
    sidecar["name"] = "proxy"
    del sidecar["resources"]["limits"]
    spec = {**template["spec"], "containers": [*template["spec"]["containers"], sidecar]}
    owner = {"apiVersion": "e2e.karb.dev/v1", "kind": "Widget", "name": "odd", "uid": uid}
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                **template["metadata"],
                "name": f"odd-{number}",
                "namespace": plot.namespace,
                "ownerReferences": [{**owner, "controller": True}],
            },
            "spec": spec,
        }
        for number in range(3)
    ]
    cluster.kubectl("label", "namespace", plot.namespace, "--overwrite", LOOSE)
    cluster.kubectl("create", "-f", "-", stdin=as_list(pods))
    cluster.kubectl("label", "namespace", plot.namespace, "--overwrite", STRICT)
    plot.plant("Widget", "odd", "res-mem")


LOOSE = "pod-security.kubernetes.io/enforce=privileged"
STRICT = "pod-security.kubernetes.io/enforce=restricted"


def open_findings(report: Report) -> set[Planted]:
    """The place of each open finding's owner, and its invariant."""
    return {(_place(found.finding.owner), found.finding.name) for found in report.open_findings}


def of_places(found: set[Planted], prefix: str) -> set[Planted]:
    """Those of namespaces that begin so, and of these namespaces themselves."""
    return {each for each in found if each[0].removeprefix("Namespace/").startswith(prefix)}


def _place(owner: ObjectRef) -> str:
    return "/".join(part for part in (owner.namespace, owner.kind, owner.name) if part)
