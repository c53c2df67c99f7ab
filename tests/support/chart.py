"""What the chart's tests share: its switches, and how to read what it renders."""

from __future__ import annotations

import argparse
import itertools
from typing import Any

import yaml

from tests.support.helm import NAMESPACE, RELEASE
from webhook import arguments

NAME = f"{NAMESPACE}-{RELEASE}"

SWITCHES = {
    "admission.managedBy": ['"webhook"', '"chart"'],
    "tls": [
        '{"mode":"self"}',
        '{"mode":"files","secretName":"karb-tls"}',
        '{"mode":"cert-manager"}',
    ],
    "networkPolicy.enabled": ["true", "false"],
    "replicas": ["1", "3"],
}
COMBINATIONS = [
    [f"{key}={value}" for key, value in zip(SWITCHES, values, strict=True)]
    for values in itertools.product(*SWITCHES.values())
]
EVERYTHING = [
    'image={"repository":"karb-guard","digest":"sha256:'
    + "a" * 64
    + '","pullSecrets":[{"name":"p"}]}',
    'config={"stages":{"namespaces":[{"match":"inference","default":"enforce"}]}}',
    'admission={"failurePolicy":"Fail","timeoutSeconds":7,"excludedNamespaces":["a","b"]}',
    'podAnnotations={"a":"b"}',
    'podLabels={"c":"d"}',
    'nodeSelector={"kubernetes.io/os":"linux"}',
    'tolerations=[{"key":"infra","operator":"Exists"}]',
    'affinity={"nodeAffinity":{}}',
    'serviceAccount={"name":"sa","annotations":{"x":"y"}}',
    'podDisruptionBudget={"enabled":true,"minAvailable":"50%"}',
    'priorityClassName=""',
]


ALONE = [
    'image.repository="registry.example/karb-guard"',
    'image.pullPolicy="Always"',
    'image.pullPolicy="Never"',
    'image.digest="sha256:' + "a" * 64 + '"',
    'image.tag="1.2.3"',
    'image.pullSecrets=[{"name":"p"}]',
    "replicas=1",
    "replicas=5",
    "workers=2",
    (
        'rollout={"enabled":true,"replicas":2,"every":"1m","resources":{"requests":{"cpu":"1"},'
        '"limits":{"memory":"1Gi"}}}'
    ),
    (
        'audit={"enabled":true,"schedule":"0 4 * * 1","timeZone":"Europe/Berlin","resources":'
        '{"requests":{"cpu":"1"},"limits":{"memory":"1Gi"}}}'
    ),
    'evidence={"secretName":"db","port":5433,"peers":[{"namespaceSelector":{}}]}',
    'config={"stages":{"default":{"error":"enforce"}}}',
    'config={"mutation":{"enabled":true}}',
    'admission={"managedBy":"chart","failurePolicy":"Fail"}',
    'admission.failurePolicy="Fail"',
    (
        'admission={"managedBy":"chart","failurePolicies":{"pods":"Fail","workloads":"Ignore",'
        '"custom":"Fail","policies":"Ignore"}}'
    ),
    (
        'admission.failurePolicies={"pods":"Ignore","workloads":"Fail","custom":"Ignore",'
        '"policies":"Fail"}'
    ),
    "admission.timeoutSeconds=30",
    "admission.excludedNamespaces=[]",
    'admission.managedBy="chart"',
    'tls={"mode":"files","secretName":"karb-tls"}',
    'tls.caSecretName="own"',
    (
        'tls={"mode":"cert-manager","secretName":"karb-tls","certManager":{"caDuration":"8760h",'
        '"duration":"48h","renewBefore":"24h"}}'
    ),
    (
        'tls={"mode":"cert-manager","certManager":{"issuerRef":{"kind":"ClusterIssuer","name":"ca",'
        '"group":"cert-manager.io"}}}'
    ),
    "uninstall.unregister=false",
    "service.port=8443",
    'ports={"webhook":9443,"metrics":9090}',
    "preStopSeconds=0",
    "drainSeconds=60",
    'logLevel="debug"',
    'logLevel="warning"',
    'logLevel="error"',
    "events.enabled=false",
    'rollout={"enabled":true,"podSecurity":true,"scanEvery":"6h"}',
    'audit={"enabled":true,"rules":[{"apiGroups":["x.io"],"resources":["ys"]}]}',
    'audit={"enabled":true,"writeBack":"openreports"}',
    'audit={"enabled":true,"writeBack":"wgpolicy"}',
    'evidence={"secretName":"e","cluster":"prod"}',
    "opa.enabled=true",
    'opa={"enabled":true,"image":"r.example/opa:1","whenAway":"not-evaluated"}',
    (
        'opa={"enabled":true,"timeoutMs":500,"ports":{"api":8281,"diagnostics":8382},"resources":'
        '{"requests":{"cpu":"1"},"limits":{"memory":"1Gi"}}}'
    ),
    (
        'monitoring.serviceMonitor={"enabled":true,"labels":{"release":"p"},"interval":"1m",'
        '"scrapeTimeout":"20s"}'
    ),
    'monitoring.prometheusRule={"enabled":true,"labels":{"release":"p"}}',
    (
        'monitoring.dashboard={"enabled":true,"annotations":{"grafana_folder":"k"},'
        '"labels":{"grafana":"yes"}}'
    ),
    'tracing={"endpoint":"http://otel.observability:4319","port":4319}',
    'networkPolicy.traces=[{"namespaceSelector":{}}]',
    "test.enabled=false",
    'test.namespace="kube-public"',
    'resources={"requests":{"cpu":"1"},"limits":{"memory":"1Gi"}}',
    "podDisruptionBudget.enabled=false",
    'podDisruptionBudget.minAvailable="50%"',
    "networkPolicy.enabled=false",
    "networkPolicy.denyByDefault=true",
    "networkPolicy.apiServerPorts=[8443]",
    'networkPolicy.dns=[{"namespaceSelector":{"matchLabels":{"a":"b"}}}]',
    'networkPolicy.clients=[{"ipBlock":{"cidr":"10.0.0.0/8"}}]',
    'networkPolicy.apiServers=[{"ipBlock":{"cidr":"10.0.0.1/32"}}]',
    'rbac.reviewBy="2027-06-30"',
    'rbac.owners=[{"apiGroups":["leaderworkerset.x-k8s.io"],"resources":["leaderworkersets"]}]',
    "rbac.editors=false",
    "crds.install=false",
    "crds.keep=false",
    'serviceAccount={"name":"sa","annotations":{"x":"y"}}',
    'priorityClassName=""',
    'podAnnotations={"a":"b"}',
    'podLabels={"c":"d"}',
    'nodeSelector={"kubernetes.io/os":"linux"}',
    'tolerations=[{"key":"infra","operator":"Exists"}]',
    'affinity={"nodeAffinity":{}}',
]
"""Every switch of values.yaml away from its default; a test holds that none is left out."""
TOGETHER = [
    *EVERYTHING,
    'rbac.reviewBy="2027-06-30"',
    "replicas=3",
    "opa.enabled=true",
    "monitoring.serviceMonitor.enabled=true",
    "monitoring.prometheusRule.enabled=true",
    "monitoring.dashboard.enabled=true",
    "networkPolicy.denyByDefault=true",
]
HOOK = "helm.sh/hook"


def is_hook(obj: dict[str, Any]) -> bool:
    """Whether helm makes the object only before an uninstall."""
    return (obj["metadata"].get("annotations") or {}).get(HOOK) == "pre-delete"


def of_kind(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [obj for obj in objects if obj["kind"] == kind and not is_hook(obj)]
    return found


def registered(objects: list[dict[str, Any]]) -> dict[str, Any]:
    text = of_kind(objects, "ConfigMap")["data"]["registration.yaml"]
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def flags(objects: list[dict[str, Any]]) -> argparse.Namespace:
    """The container's arguments, read by the command's own parser."""
    pod = of_kind(objects, "Deployment")["spec"]["template"]["spec"]
    words = pod["containers"][0]["args"]
    assert words[:2] == ["webhook", "serve"]
    parser = argparse.ArgumentParser()
    arguments.add_arguments(parser)
    return parser.parse_args([*words[2:], "--namespace", NAMESPACE])
