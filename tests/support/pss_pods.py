"""Random pods that the API server takes, many of which Pod Security refuses.

A pod is a tight or a bare one with a few changes, each of which may break one check. What the API
server itself would refuse (`ValidatePod` in kubernetes/pkg/apis/core/validation) is put right at
the end, so that every refusal is Pod Security's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

Json = dict[str, Any]

VOLUMES: tuple[Json, ...] = (
    {},
    {"configMap": {"name": "settings"}},
    {"csi": {"driver": "csi.example.com"}},
    {"downwardAPI": {"items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]}},
    {"emptyDir": {"medium": "Memory"}},
    {"image": {"reference": "registry.example.com/ml/weights:1"}},
    {"persistentVolumeClaim": {"claimName": "weights"}},
    {"projected": {"sources": []}},
    {"secret": {"secretName": "token"}},
    {"hostPath": {"path": "/data"}},
    {"awsElasticBlockStore": {"volumeID": "v"}},
    {"azureDisk": {"diskName": "d", "diskURI": "https://x.blob.core.windows.net/d/d.vhd"}},
    {"azureFile": {"secretName": "s", "shareName": "s"}},
    {"cephfs": {"monitors": ["m"]}},
    {"cinder": {"volumeID": "v"}},
    {"fc": {"wwids": ["w"]}},
    {"flexVolume": {"driver": "example.com/nfs"}},
    {"flocker": {"datasetName": "d"}},
    {"gcePersistentDisk": {"pdName": "p"}},
    {"gitRepo": {"repository": "https://git.example.com/r"}},
    {"glusterfs": {"endpoints": "e", "path": "p"}},
    {"iscsi": {"iqn": "iqn.2001-04.com.example:s", "lun": 0, "targetPortal": "t"}},
    {"nfs": {"server": "s", "path": "/weights"}},
    {"portworxVolume": {"volumeID": "v"}},
    {"quobyte": {"registry": "r:7861", "volume": "v"}},
    {"rbd": {"image": "i", "monitors": ["m"]}},
    {"storageos": {"volumeName": "v"}},
    {"vsphereVolume": {"volumePath": "p"}},
)
"""One source each, or none, which the API server makes an emptyDir."""

SYSCTLS = (
    *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies"),
    *("net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start"),
    *("net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_fin_timeout"),
    *("net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"),
    *("net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"),
    *("net.ipv4.tcp_notsent_lowat", "net.ipv4.tcp_slow_start_after_idle"),
    *("kernel.msgmax", "net.core.somaxconn", "fs.mqueue.msg_max"),
)
"""All that some version calls safe, and three that none does."""
CAPABILITIES = ("NET_BIND_SERVICE", "CHOWN", "SETUID", "NET_RAW", "SYS_ADMIN", "IPC_LOCK", "chown")
SELINUX_TYPES = ("container_t", "container_kvm_t", "container_engine_t", "spc_t", "")
PROFILES: tuple[Json, ...] = (
    {"type": "RuntimeDefault"},
    {"type": "Localhost", "localhostProfile": "profile"},
    {"type": "Unconfined"},
)
PROFILE_ANNOTATIONS = ("runtime/default", "localhost/profile", "unconfined")
APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
SECCOMP = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_OF = "container.seccomp.security.alpha.kubernetes.io/"


@dataclass
class Draft:
    """A pod in the making."""

    random: Random
    spec: Json = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)

    @property
    def containers(self) -> list[Json]:
        """All of them; the main ones first."""
        return [*self.spec["containers"], *self.spec["initContainers"]]

    def container(self) -> Json:
        """Any container."""
        return self.random.choice(self.containers)

    def context(self) -> Json:
        """The security context of the pod or of any container."""
        return context_of(self.random.choice([self.spec, *self.containers]))


def context_of(holder: Json) -> Json:
    """The security context of a pod spec or a container, made if need be."""
    made: Json = holder.setdefault("securityContext", {})
    return made


def host_namespaces(pod: Draft) -> None:
    pod.spec[pod.random.choice(["hostNetwork", "hostPID", "hostIPC"])] = True


def host_users(pod: Draft) -> None:
    pod.spec["hostUsers"] = pod.random.random() < 0.2


def proc_mount(pod: Draft) -> None:
    unmasked = pod.random.random() < 0.8
    context_of(pod.container())["procMount"] = "Unmasked" if unmasked else "Default"
    pod.spec["hostUsers"] = False


def volumes(pod: Draft) -> None:
    for source in pod.random.sample(VOLUMES, pod.random.randint(1, 2)):
        listed = pod.spec.setdefault("volumes", [])
        listed.append({"name": f"volume{len(listed)}", **source})


def host_path(pod: Draft) -> None:
    listed = pod.spec.setdefault("volumes", [])
    listed.append({"name": f"volume{len(listed)}", "hostPath": {"path": "/run"}})


def ports(pod: Draft) -> None:
    container = pod.container()
    number = 8000 + pod.containers.index(container)
    port = {"containerPort": number, "hostPort": pod.random.choice([0, number, number])}
    container["ports"] = [port]


def privileged(pod: Draft) -> None:
    context_of(pod.container())["privileged"] = pod.random.random() < 0.8


def escalation(pod: Draft) -> None:
    context_of(pod.container())["allowPrivilegeEscalation"] = pod.random.random() < 0.8


def capabilities(pod: Draft) -> None:
    found = context_of(pod.container()).setdefault("capabilities", {})
    found["add"] = pod.random.sample(CAPABILITIES, pod.random.randint(0, 2))


def dropped(pod: Draft) -> None:
    found = context_of(pod.container()).setdefault("capabilities", {})
    found["drop"] = pod.random.choice([[], ["ALL"], ["NET_RAW", "ALL"], ["NET_RAW"], ["all"]])


def app_armor(pod: Draft) -> None:
    pod.context()["appArmorProfile"] = dict(pod.random.choice(PROFILES))


def app_armor_annotation(pod: Draft) -> None:
    name = pod.container()["name"]
    pod.annotations[APPARMOR + name] = pod.random.choice(PROFILE_ANNOTATIONS)


def seccomp(pod: Draft) -> None:
    pod.context()["seccompProfile"] = dict(pod.random.choice(PROFILES))


def seccomp_annotation(pod: Draft) -> None:
    keys = [SECCOMP, *(SECCOMP_OF + name for name in ("main0", "init0", "elsewhere"))]
    values = (*PROFILE_ANNOTATIONS, "docker/default", "unconfined")
    pod.annotations[pod.random.choice(keys)] = pod.random.choice(values)


def selinux(pod: Draft) -> None:
    options = {"type": pod.random.choice(SELINUX_TYPES)}
    if pod.random.random() < 0.3:
        options[pod.random.choice(["user", "role"])] = pod.random.choice(["", "system"])
    pod.context()["seLinuxOptions"] = options


def sysctls(pod: Draft) -> None:
    names = pod.random.sample(SYSCTLS, pod.random.randint(1, 2))
    context_of(pod.spec)["sysctls"] = [{"name": name, "value": "1"} for name in names]


def probe(pod: Draft) -> None:
    container = pod.random.choice(pod.spec["containers"])
    action = {"port": 8080, **pod.random.choice(HOSTS)}
    kind = pod.random.choice(["livenessProbe", "readinessProbe", "startupProbe"])
    container[kind] = {pod.random.choice(["httpGet", "tcpSocket"]): action}


def lifecycle(pod: Draft) -> None:
    container = pod.random.choice(pod.spec["containers"])
    action = {"port": 8080, **pod.random.choice(HOSTS)}
    container["lifecycle"] = {pod.random.choice(["postStart", "preStop"]): {"httpGet": action}}


HOSTS: tuple[Json, ...] = ({}, {"host": ""}, {"host": "127.0.0.1"}, {"host": "gateway.example.com"})


def user(pod: Draft) -> None:
    pod.context()["runAsUser"] = pod.random.choice([0, 0, 1000])


def non_root(pod: Draft) -> None:
    pod.context()["runAsNonRoot"] = pod.random.random() < 0.3


def windows(pod: Draft) -> None:
    pod.spec["os"] = {"name": "windows"}


def host_process(pod: Draft) -> None:
    holders = pod.random.choice([[pod.spec], pod.containers])
    for holder in holders:
        context_of(holder)["windowsOptions"] = {"hostProcess": True}
    pod.spec["hostNetwork"] = True


CHANGES: tuple[Callable[[Draft], None], ...] = (
    *(host_namespaces, host_users, proc_mount, volumes, host_path, ports, privileged, escalation),
    *(capabilities, dropped, app_armor, app_armor_annotation, seccomp, seccomp_annotation, selinux),
    *(sysctls, probe, lifecycle, user, non_root, windows, host_process),
)


def random_pod(random: Random) -> Json:
    """A pod that the API server takes if Pod Security does."""
    pod = Draft(random)
    pod.spec["containers"] = [_container(f"main{i}") for i in range(random.choice([1, 1, 2]))]
    pod.spec["initContainers"] = [_container(f"init{i}") for i in range(random.choice([0, 0, 1]))]
    if pod.spec["initContainers"] and random.random() < 0.5:
        pod.spec["initContainers"][0]["restartPolicy"] = "Always"
    _tighten(pod, random.choices([1.0, 0.0, 0.7], [5, 3, 2])[0])
    for change in random.choices(CHANGES, k=random.choices(range(5), [2, 3, 3, 1, 1])[0]):
        change(pod)
    _put_right(pod)
    metadata = {"name": "random", "annotations": pod.annotations}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod.spec}


def sysctl_pods() -> list[Json]:
    """A pod for each sysctl, with nothing else to refuse: they are too many to meet by chance."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "sysctl"},
            "spec": {
                "securityContext": {"sysctls": [{"name": name, "value": "1"}]},
                "containers": [_container("main0")],
            },
        }
        for name in SYSCTLS
    ]


def _container(name: str) -> Json:
    return {"name": name, "image": "registry.example.com/ml/server:1.0.0"}


def _tighten(pod: Draft, likely: float) -> None:
    """Set what restricted asks for, each field with the same probability."""

    def fields(**values: Any) -> Json:
        return {key: value for key, value in values.items() if pod.random.random() < likely}

    context_of(pod.spec).update(
        fields(runAsNonRoot=True, seccompProfile={"type": "RuntimeDefault"})
    )
    for container in pod.containers:
        context_of(container).update(
            fields(allowPrivilegeEscalation=False, capabilities={"drop": ["ALL"]})
        )


def _put_right(pod: Draft) -> None:
    """What the API server would refuse gives way."""
    if pod.spec.get("hostUsers") is False and "hostNetwork" in pod.spec:
        del pod.spec["hostUsers"]
    if pod.spec.get("hostUsers") is False:
        for key in ("hostPID", "hostIPC"):
            pod.spec.pop(key, None)
    contexts = [context_of(holder) for holder in (pod.spec, *pod.containers)]
    for context in contexts:
        if context.get("privileged") and context.get("allowPrivilegeEscalation") is False:
            context["allowPrivilegeEscalation"] = True
        if pod.spec.get("hostUsers") is not False and context.get("procMount") == "Unmasked":
            context["procMount"] = "Default"
    _put_sysctls_right(pod)
    if "os" in pod.spec:
        _put_windows_right(pod, contexts)
    _put_annotations_right(pod, contexts)


def _put_sysctls_right(pod: Draft) -> None:
    """A namespaced sysctl needs a namespace (``ValidateHostSysctl``)."""
    shared = {"net.": "hostNetwork", "kernel.": "hostIPC", "fs.": "hostIPC"}
    refused = tuple(prefix for prefix, key in shared.items() if pod.spec.get(key))
    context = context_of(pod.spec)
    kept = [s for s in context.get("sysctls", ()) if not s["name"].startswith(refused)]
    context["sysctls"] = kept


def _put_windows_right(pod: Draft, contexts: list[Json]) -> None:
    """Only these fields are for Windows (``validateWindows``)."""
    for context in contexts:
        for key in context.keys() - {"runAsNonRoot", "windowsOptions"}:
            del context[key]
    for key in ("hostUsers", "hostPID", "hostIPC"):
        pod.spec.pop(key, None)


def _put_annotations_right(pod: Draft, contexts: list[Json]) -> None:
    """Annotations beside fields have to mean the same: the annotations give way."""
    for prefix, key in ((APPARMOR, "appArmorProfile"), ("seccomp.security", "seccompProfile")):
        if any(key in context for context in contexts):
            for name in [n for n in pod.annotations if prefix in n]:
                del pod.annotations[name]
