"""Hypothesis strategies for objects that an API server accepts, with many fields left unset.

Whatever is left out is what defaulting fills in; so every optional part may be absent, empty or
there in part. Values are drawn from a few valid ones: what they are matters less than whether.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Json = dict[str, Any]
Made = SearchStrategy[Json]

CPU = st.sampled_from(["1", "1000m", "250m", "0.5"])
MEMORY = st.sampled_from(["64Mi", "1Gi", "1073741824", "1e9", "128974848"])
IMAGES = st.sampled_from(
    [
        "server",
        "registry.example.com/ml/server:latest",
        "registry.example.com:5000/ml/server:1.0",
        "server@sha256:" + "a" * 64,
    ]
)
LABELS = {"app": "llm"}


def some(**optional: SearchStrategy[Any]) -> Made:
    """A map with any of the fields."""
    return st.fixed_dictionaries({}, optional=optional)


def with_some(required: dict[str, SearchStrategy[Any]], **optional: SearchStrategy[Any]) -> Made:
    """A map with all of ``required`` and any of the other fields."""
    return st.fixed_dictionaries(required, optional=optional)


def one_of_each(**choices: SearchStrategy[Any]) -> Made:
    """A map with exactly one of the fields, as unions have."""
    return st.one_of(*(st.fixed_dictionaries({key: value}) for key, value in choices.items()))


PORT_NUMBER = st.integers(1, 65535)
HTTP_GET = with_some(
    {"port": PORT_NUMBER},
    path=st.sampled_from(["/", "/health"]),
    scheme=st.sampled_from(["HTTP", "HTTPS"]),
)
ACTION = one_of_each(
    httpGet=HTTP_GET,
    tcpSocket=st.fixed_dictionaries({"port": PORT_NUMBER}),
    exec=st.just({"command": ["true"]}),
    grpc=with_some({"port": PORT_NUMBER}, service=st.sampled_from(["", "health"])),
)
TIMING = {
    "timeoutSeconds": st.integers(1, 5),
    "periodSeconds": st.integers(1, 30),
    "failureThreshold": st.integers(1, 5),
    "initialDelaySeconds": st.integers(0, 5),
}
PROBE = st.builds(lambda action, timing: {**action, **timing}, ACTION, some(**TIMING))
HANDLER = one_of_each(httpGet=HTTP_GET, exec=st.just({"command": ["true"]}))

FIELD_REF = with_some({"fieldPath": st.just("metadata.name")}, apiVersion=st.just("v1"))
ENV_SOURCE = one_of_each(
    fieldRef=FIELD_REF,
    resourceFieldRef=with_some({"resource": st.just("limits.cpu")}, divisor=st.just("1m")),
    secretKeyRef=with_some({"name": st.just("s"), "key": st.just("k")}, optional=st.booleans()),
)
ENV = st.one_of(
    st.just({"name": "PLAIN", "value": "1"}),
    st.fixed_dictionaries({"name": st.just("FROM"), "valueFrom": ENV_SOURCE}),
)
PORTS = st.lists(
    with_some(
        {"containerPort": PORT_NUMBER}, protocol=st.sampled_from(["TCP", "UDP"]), name=st.none()
    ),
    max_size=2,
    unique_by=lambda port: port["containerPort"],
)


@st.composite
def resources(draw: st.DrawFn) -> Json:
    """Requests never above limits; a GPU's limit alone, or its equal request."""
    limits = draw(some(cpu=CPU, memory=MEMORY, **{"nvidia.com/gpu": st.just("1")}))
    requests = draw(st.sampled_from([None, "small", "same"]))
    found: Json = {}
    if limits:
        found["limits"] = limits
    if requests == "small":
        found["requests"] = draw(some(cpu=st.just("100m"), memory=st.just("32Mi")))
    if requests == "same":
        found["requests"] = dict(limits)
    return found


def container(name: str, **optional: SearchStrategy[Any]) -> Made:
    """A container of any list."""
    return with_some(
        {"name": st.just(name), "image": IMAGES},
        env=st.lists(ENV, max_size=2, unique_by=lambda env: env["name"]),
        ports=PORTS,
        resources=resources(),
        securityContext=some(privileged=st.booleans(), runAsUser=st.just(1000)),
        imagePullPolicy=st.sampled_from(["Always", "IfNotPresent", "Never"]),
        terminationMessagePolicy=st.just("FallbackToLogsOnError"),
        **optional,
    )


MAIN = {
    "livenessProbe": PROBE,
    "readinessProbe": PROBE,
    "startupProbe": PROBE,
    "lifecycle": some(preStop=HANDLER, postStart=HANDLER),
}
SIDECAR = with_some(
    {"name": st.just("sidecar"), "image": IMAGES, "restartPolicy": st.just("Always")},
    startupProbe=PROBE,
    resources=resources(),
)

MODE = st.sampled_from([0o400, 0o644])
ITEM = with_some({"key": st.just("k"), "path": st.just("p")}, mode=MODE)
DOWNWARD_ITEM = st.one_of(
    st.fixed_dictionaries({"path": st.just("a"), "fieldRef": FIELD_REF}),
    st.fixed_dictionaries(
        {
            "path": st.just("b"),
            "resourceFieldRef": with_some(
                {"containerName": st.just("server"), "resource": st.just("limits.memory")},
                divisor=st.just("1Mi"),
            ),
        }
    ),
)
TOKEN = with_some({"path": st.just("token")}, expirationSeconds=st.just(7200))
CLAIM_SPEC = with_some(
    {
        "accessModes": st.just(["ReadWriteOnce"]),
        "resources": st.just({"requests": {"storage": "1Gi"}}),
    },
    volumeMode=st.sampled_from(["Filesystem", "Block"]),
)
VOLUME_SOURCE: Made = st.one_of(
    st.just({}),
    one_of_each(
        emptyDir=some(medium=st.just("Memory"), sizeLimit=MEMORY),
        secret=with_some({"secretName": st.just("s")}, defaultMode=MODE, optional=st.booleans()),
        configMap=with_some(
            {"name": st.just("c")}, defaultMode=MODE, items=st.lists(ITEM, max_size=1)
        ),
        hostPath=with_some({"path": st.just("/data")}, type=st.just("Directory")),
        downwardAPI=some(defaultMode=MODE, items=st.lists(DOWNWARD_ITEM, max_size=1)),
        projected=with_some(
            {
                "sources": st.lists(
                    one_of_each(
                        serviceAccountToken=TOKEN,
                        configMap=st.just({"name": "c"}),
                        downwardAPI=st.fixed_dictionaries(
                            {"items": st.lists(DOWNWARD_ITEM, max_size=1)}
                        ),
                    ),
                    min_size=1,
                    max_size=1,
                )
            },
            defaultMode=MODE,
        ),
        ephemeral=st.fixed_dictionaries(
            {"volumeClaimTemplate": st.fixed_dictionaries({"spec": CLAIM_SPEC})}
        ),
        iscsi=with_some(
            {
                "targetPortal": st.just("10.0.0.1:3260"),
                "iqn": st.just("iqn.2001-04.com.example:storage"),
                "lun": st.just(0),
            },
            iscsiInterface=st.just("eth0"),
        ),
        rbd=with_some(
            {"monitors": st.just(["10.0.0.1:6789"]), "image": st.just("i")}, pool=st.just("p")
        ),
        azureDisk=with_some(
            {"diskName": st.just("d"), "diskURI": st.just("https://example.com/d.vhd")},
            fsType=st.just("xfs"),
        ),
    ),
)


def _named(sources: list[Json]) -> list[Json]:
    return [{"name": f"v{number}", **source} for number, source in enumerate(sources)]


VOLUMES = st.lists(VOLUME_SOURCE, min_size=1, max_size=3).map(_named)
"""One at least: there are many kinds of them."""


def pod_spec(**fixed: SearchStrategy[Any]) -> Made:
    """A PodSpec; ``fixed`` are fields that it has in any case."""
    mains = st.one_of(
        st.tuples(container("server", **MAIN)),
        st.tuples(container("server", **MAIN), container("metrics", **MAIN)),
    ).map(list)
    return with_some(
        {
            "containers": mains,
            "volumes": VOLUMES,
            "automountServiceAccountToken": st.just(False),
            **fixed,
        },
        initContainers=st.lists(
            st.one_of(container("fetch"), SIDECAR),
            max_size=2,
            unique_by=lambda init: init["name"],
        ),
        hostNetwork=st.booleans(),
        dnsPolicy=st.just("Default"),
        terminationGracePeriodSeconds=st.sampled_from([0, 60]),
        securityContext=some(runAsNonRoot=st.booleans()),
        schedulerName=st.just("default-scheduler"),
        enableServiceLinks=st.booleans(),
    ).map(_without_clashes)


def _without_clashes(spec: Json) -> Json:
    """Under hostNetwork two containers of a pod can't have one port."""
    taken: set[int] = set()
    for each in (*spec["containers"], *spec.get("initContainers", ())):
        for port in list(each.get("ports", ())):
            port.pop("name", None)
            if port["containerPort"] in taken:
                each["ports"].remove(port)
            taken.add(port["containerPort"])
    return spec


def obj(api_version: str, kind: str, **parts: SearchStrategy[Any]) -> Made:
    """An object of a kind, called ``llm``."""
    fixed = {
        "apiVersion": st.just(api_version),
        "kind": st.just(kind),
        "metadata": st.just({"name": "llm"}),
    }
    return st.fixed_dictionaries({**fixed, **parts})


def template(**fixed: SearchStrategy[Any]) -> Made:
    """A pod template."""
    metadata = st.just({"labels": LABELS})
    return st.fixed_dictionaries({"metadata": metadata, "spec": pod_spec(**fixed)})


SELECTOR = st.just({"matchLabels": LABELS})
ROLLING = some(type=st.just("RollingUpdate"), rollingUpdate=some(maxUnavailable=st.just(1)))

PODS = obj("v1", "Pod", spec=pod_spec())
DEPLOYMENTS = obj(
    "apps/v1",
    "Deployment",
    spec=with_some(
        {"selector": SELECTOR, "template": template()},
        replicas=st.integers(0, 3),
        strategy=st.one_of(ROLLING, st.just({"type": "Recreate"})),
        revisionHistoryLimit=st.just(3),
    ),
)
STATEFUL_SETS = obj(
    "apps/v1",
    "StatefulSet",
    spec=with_some(
        {"selector": SELECTOR, "template": template(), "serviceName": st.just("llm")},
        replicas=st.integers(0, 3),
        podManagementPolicy=st.just("Parallel"),
        updateStrategy=st.one_of(
            st.just({}),
            some(type=st.just("RollingUpdate"), rollingUpdate=some(partition=st.just(1))),
            st.just({"type": "OnDelete"}),
        ),
        volumeClaimTemplates=st.lists(
            st.fixed_dictionaries({"metadata": st.just({"name": "data"}), "spec": CLAIM_SPEC}),
            max_size=1,
        ),
    ),
)
DAEMON_SETS = obj(
    "apps/v1",
    "DaemonSet",
    spec=with_some(
        {"selector": SELECTOR, "template": template()},
        updateStrategy=st.one_of(ROLLING, st.just({"type": "OnDelete"})),
    ),
)
JOB_SPEC = with_some(
    {"template": template(restartPolicy=st.just("Never"))},
    parallelism=st.integers(1, 3),
    completions=st.integers(1, 3),
    backoffLimit=st.integers(0, 3),
    suspend=st.booleans(),
    ttlSecondsAfterFinished=st.just(60),
    podFailurePolicy=st.just(
        {
            "rules": [
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]},
            ]
        }
    ),
)
JOBS = obj("batch/v1", "Job", spec=JOB_SPEC)
CRON_JOBS = obj(
    "batch/v1",
    "CronJob",
    spec=with_some(
        {
            "schedule": st.just("0 6 * * *"),
            "jobTemplate": st.fixed_dictionaries({"spec": JOB_SPEC}),
        },
        suspend=st.booleans(),
        concurrencyPolicy=st.just("Forbid"),
    ),
)

SCALING_POLICY = st.just({"type": "Percent", "value": 10, "periodSeconds": 60})
SCALING_RULES = some(
    stabilizationWindowSeconds=st.sampled_from([0, 300]),
    selectPolicy=st.sampled_from(["Min", "Max", "Disabled"]),
    policies=st.lists(SCALING_POLICY, min_size=1, max_size=1),
)
METRIC = st.sampled_from(
    [
        {
            "type": "Resource",
            "resource": {
                "name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 60},
            },
        },
        {
            "type": "Pods",
            "pods": {
                "metric": {"name": "request_latency_p95_ms"},
                "target": {"type": "AverageValue", "averageValue": "250"},
            },
        },
    ]
)
AUTOSCALERS = obj(
    "autoscaling/v2",
    "HorizontalPodAutoscaler",
    spec=with_some(
        {
            "scaleTargetRef": st.just(
                {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"}
            ),
            "maxReplicas": st.integers(3, 9),
        },
        minReplicas=st.integers(1, 3),
        metrics=st.lists(METRIC, max_size=2),
        behavior=some(scaleUp=SCALING_RULES, scaleDown=SCALING_RULES),
    ),
)

PEERS = st.lists(
    st.sampled_from([{"podSelector": {}}, {"ipBlock": {"cidr": "10.0.0.0/8"}}]), max_size=1
)
POLICY_PORTS = st.lists(
    some(port=PORT_NUMBER, protocol=st.sampled_from(["TCP", "UDP", "SCTP"])), max_size=2
)
NETWORK_POLICIES = obj(
    "networking.k8s.io/v1",
    "NetworkPolicy",
    spec=with_some(
        {"podSelector": st.sampled_from([{}, {"matchLabels": LABELS}])},
        policyTypes=st.sampled_from([["Ingress"], ["Egress"], ["Ingress", "Egress"]]),
        ingress=st.lists(some(**{"from": PEERS, "ports": POLICY_PORTS}), max_size=2),
        egress=st.lists(some(to=PEERS, ports=POLICY_PORTS), max_size=2),
    ),
)
