"""Pods that hypothesis makes up for the Pod Security Standards: every field that a check reads."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMESPACE = "inference"


def maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with any subset of ``fields``, null included: Go takes null for absent."""
    return st.fixed_dictionaries(
        {}, optional={key: st.none() | value for key, value in fields.items()}
    )


PROFILES = maybe(type=st.sampled_from(["", "RuntimeDefault", "Localhost", "Unconfined", "x"]))
SELINUX = maybe(
    type=st.sampled_from(["", "container_t", "container_engine_t", "spc_t"]),
    user=st.sampled_from(["", "system_u"]),
    role=st.sampled_from(["", "system_r"]),
)
WINDOWS = maybe(hostProcess=st.booleans(), runAsUserName=st.just("u"))
SHARED = {
    "appArmorProfile": PROFILES,
    "seccompProfile": PROFILES,
    "seLinuxOptions": SELINUX,
    "windowsOptions": WINDOWS,
    "runAsNonRoot": st.booleans(),
    "runAsUser": st.sampled_from([0, 1, 1000]),
}
CAPABILITY = st.sampled_from(["ALL", "NET_BIND_SERVICE", "CHOWN", "NET_RAW", "SYS_ADMIN", ""])
CAPABILITIES = st.lists(CAPABILITY, max_size=3)
HANDLER = maybe(
    httpGet=maybe(host=st.sampled_from(["", "127.0.0.1", "h"]), port=st.just(80)),
    tcpSocket=maybe(host=st.sampled_from(["", "h"]), port=st.just(80)),
)
CONTAINER = maybe(
    securityContext=maybe(
        **SHARED,
        privileged=st.booleans(),
        allowPrivilegeEscalation=st.booleans(),
        procMount=st.sampled_from(["", "Default", "Unmasked"]),
        capabilities=maybe(add=CAPABILITIES, drop=CAPABILITIES),
    ),
    ports=st.lists(maybe(containerPort=st.just(80), hostPort=st.sampled_from([0, 80])), max_size=2),
    livenessProbe=HANDLER,
    readinessProbe=HANDLER,
    startupProbe=HANDLER,
    lifecycle=maybe(postStart=HANDLER, preStop=HANDLER),
)
VOLUME_TYPES = [
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "projected", "secret"),
    *("persistentVolumeClaim", "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo"),
    *("nfs", "iscsi", "glusterfs", "rbd", "flexVolume", "cinder", "cephfs", "flocker", "fc"),
    *("azureFile", "vsphereVolume", "quobyte", "azureDisk", "portworxVolume", "scaleIO"),
    *("photonPersistentDisk", "storageos"),
]
VOLUME: st.SearchStrategy[dict[str, Any]] = st.none().map(lambda _: {}) | st.dictionaries(
    st.sampled_from(VOLUME_TYPES), st.just({}), min_size=1, max_size=1
)
"""At most one source: two are refused by the API server."""
SYSCTL = st.sampled_from(
    [
        *("kernel.shm_rmid_forced", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_fin_timeout"),
        *("net.ipv4.tcp_rmem", "net.ipv4.tcp_notsent_lowat", "kernel.msgmax"),
    ]
)
ANNOTATIONS = st.dictionaries(
    st.sampled_from(
        [
            "container.apparmor.security.beta.kubernetes.io/cont0",
            "container.apparmor.security.beta.kubernetes.io/",
            "container.seccomp.security.alpha.kubernetes.io/cont0",
            "container.seccomp.security.alpha.kubernetes.io/ephe0",
            "container.seccomp.security.alpha.kubernetes.io/",
            "seccomp.security.alpha.kubernetes.io/pod",
            "other",
        ]
    ),
    st.sampled_from(
        ["", "runtime/default", "docker/default", "localhost/a", "localhost", "unconfined"]
    ),
    max_size=2,
)
POD_SPEC = maybe(
    hostNetwork=st.booleans(),
    hostPID=st.booleans(),
    hostIPC=st.booleans(),
    hostUsers=st.booleans(),
    os=maybe(name=st.sampled_from(["linux", "windows"])),
    securityContext=maybe(
        **SHARED, sysctls=st.lists(SYSCTL.map(lambda name: {"name": name}), max_size=2)
    ),
)


@st.composite
def pods(draw: st.DrawFn) -> dict[str, Any]:
    spec = draw(POD_SPEC)
    for key, least in (("initContainers", 0), ("containers", 1), ("ephemeralContainers", 0)):
        drawn = draw(st.lists(CONTAINER, min_size=least, max_size=2))
        spec[key] = [{"name": f"{key[:4]}{i}", **c} for i, c in enumerate(drawn)]
    drawn = draw(st.lists(VOLUME, max_size=2))
    spec["volumes"] = [{"name": f"v{i}", **volume} for i, volume in enumerate(drawn)]
    metadata = {"name": "made-up", "namespace": NAMESPACE, "annotations": draw(ANNOTATIONS)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": possible(spec)}


def possible(spec: dict[str, Any]) -> dict[str, Any]:
    """The spec without what the API server refuses in a Windows pod, and a restricted namespace
    therefore takes: there the exempt restricted checks stand in for the baseline ones."""
    if (spec.get("os") or {}).get("name") != "windows":
        return spec
    holders = [spec, *(c for key in spec if key.endswith("ontainers") for c in spec[key])]
    for holder in holders:
        for field in ("seccompProfile", "capabilities"):
            (holder.get("securityContext") or {}).pop(field, None)
    return spec


ENFORCE = "pod-security.kubernetes.io/enforce"
VERSIONS = [f"v1.{number}" for number in range(38)]
VERSION = st.sampled_from(["latest", "v1.38", "v1.1000", *VERSIONS])
NO_VERSION = st.sampled_from(
    [
        "",
        "1.30",
        "v1",
        "v1.",
        "v1.030",
        "v1.00",
        "v1.-1",
        "v1.1e1",
        "v1.30.1",
        "v2.0",
        "V1.0",
        "v1.3x",
    ]
)
LABELS = st.fixed_dictionaries(
    {},
    optional={
        ENFORCE: st.sampled_from(
            ["privileged", "baseline", "restricted", "", "Baseline", "strict"]
        ),
        f"{ENFORCE}-version": VERSION | NO_VERSION,
        "pod-security.kubernetes.io/warn": st.just("restricted"),
        "other": st.just("x"),
    },
)
"""Labels of a namespace, the good and the bad."""
