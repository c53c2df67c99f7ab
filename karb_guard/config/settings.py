"""What ``karb-guard.yaml`` may say, with its defaults. Plain data, no validation.

These dataclasses are the schema: pydantic validates a file against them (``load``) and the JSON
Schema for editors is generated from them (``schema``). A key is a field's name in camelCase.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from karb_guard.config.bounds import AtMost, Between, Matching
from karb_guard.model.finding import Severity
from karb_guard.model.stage import Stage


def key_of(name: str) -> str:
    """A field's name as the file writes it: ``fail_on`` -> ``failOn``."""
    if name == "memory_mib":
        return "memoryMiB"
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


SECTION: dict[str, Any] = {"extra": "forbid", "alias_generator": key_of}
"""What pydantic is told about each section."""

_TOKEN = Matching(r"[A-Za-z0-9_-]+", "an id, a short name or a category", 100)
_PROFILE = Matching(r"[a-z][a-z0-9_-]*", "a profile's name, in small letters", 100)
_FILE = Matching(r"[^\x00]+", "a path", 4096)
_GLOB = Matching(r".+", "a file name pattern, such as `charts/*`", 4096)
_NAMESPACE = Matching(r"[a-z0-9*?\[\]!-]+", "a namespace's name or a pattern such as `team-*`", 63)
_URL = Matching(r"https?://[^\s/]+\S*", "an http:// or https:// address", 2048)
_PATTERN = Matching(r"\S+", "a name such as `nvidia.com/gpu`, `*` and `?` allowed", 317)
_PREFIX = Matching(r"[a-z0-9.-]+/[A-Za-z0-9._-]*", "a prefix such as `example.com/`")
_USER = Matching(r"[^\s]+", "a user such as system:serviceaccount:lws-system:*", 300)
_LABEL = Matching(
    r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?",
    "a label's key such as `example.com/team`",
    317,
)
_MEMORY = Matching(r"0|[1-9][0-9]{0,5}[KMGT]i", "`0`, or a size such as `8Gi`", 12)
_CPU = Matching(r"0|[1-9][0-9]{0,6}m?", "`0`, or an amount of CPU such as `4` or `500m`", 12)
_ADDRESS = Matching(r"[0-9A-Fa-f.:]+", "an IP address, such as 0.0.0.0", 45)

PATTERNS: Mapping[str, str] = {
    text.whole: text.words
    for text in (
        _TOKEN,
        _PROFILE,
        _FILE,
        _GLOB,
        _NAMESPACE,
        _URL,
        _PATTERN,
        _PREFIX,
        _USER,
        _ADDRESS,
        _LABEL,
        _MEMORY,
        _CPU,
    )
}
"""Regular expression -> what it asks for, for messages."""

MAX_WORKERS = 32
"""Processes of one webhook that answer reviews; more replicas do more than more workers."""

Port = Annotated[int, Between(1, 65535)]
Milliseconds = Annotated[int, Between(1, 30_000)]
Token = Annotated[str, _TOKEN]
"""An invariant's id or short name, or a category."""
File = Annotated[str, _FILE]
"""A path; a relative one starts at the configuration file's folder."""
Glob = Annotated[str, _GLOB]
NamespaceGlob = Annotated[str, _NAMESPACE]
Url = Annotated[str, _URL]
User = Annotated[str, _USER]
Pattern = Annotated[str, _PATTERN]
"""A Kubernetes qualified name (``prefix/name``), globs allowed."""

Tokens = Annotated[tuple[Token, ...], AtMost(1000)]
Files = Annotated[tuple[File, ...], AtMost(1000)]
Patterns = Annotated[tuple[Pattern, ...], AtMost(1000)]


@dataclass(frozen=True, slots=True)
class OpaServer:
    """An OPA server, for ``engine.type: opa``."""

    __pydantic_config__ = SECTION

    url: Url | None = None
    """Where it answers, such as ``http://127.0.0.1:8181``."""
    token_file: File | None = None
    """A file with the bearer token to send."""
    ca_file: File | None = None
    """PEM certificates that its TLS certificate is checked against; the system's by default."""
    timeout_ms: Milliseconds = 1000
    """Longest wait for one answer, in milliseconds."""
    when_away: Literal["not-evaluated", "embedded"] = "not-evaluated"
    """What admission does while it does not answer: deny where enforced, or judge by itself."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How policies are evaluated."""

    __pydantic_config__ = SECTION

    type: Literal["embedded", "opa"] = "embedded"
    """``embedded`` evaluates in this process, ``opa`` asks an OPA server."""
    deadline_ms: Milliseconds = 500
    """Longest evaluation of one object, in milliseconds; beyond, it is not evaluated."""
    memory_mib: Annotated[int, Between(16, 4096)] = 128
    """Most memory of one evaluation, in MiB (embedded engine)."""
    opa: OpaServer = field(default_factory=OpaServer)
    """The server that ``type: opa`` asks."""


@dataclass(frozen=True, slots=True)
class FactsSettings:
    """What stands for GPUs and objectives in your clusters, beyond what karb-guard knows."""

    __pydantic_config__ = SECTION

    slo_prefix: Annotated[str, _PREFIX] = "karb.dev/"
    """What labels and annotations of objectives, tier, owner and model begin with."""
    gpu_resources: Patterns = ()
    """Further resource names (globs) that are GPUs or other accelerators."""
    gpu_taint_keys: Patterns = ()
    """Further keys (globs) of taints on GPU nodes; ``sku=gpu`` means that value only."""
    gpu_node_labels: Patterns = ()
    """Further labels (globs) of nodes that name an accelerator; ``pool=gpu*``: those values."""
    gpu_device_classes: Patterns = ()
    """Further DeviceClasses (globs) whose devices are accelerators."""
    other_device_classes: Patterns = ()
    """Further DeviceClasses (globs) whose devices are none: network cards, CPUs."""


@dataclass(frozen=True, slots=True)
class NamespaceStages:
    """Stages in the namespaces that ``match``; the first entry that speaks decides."""

    __pydantic_config__ = SECTION

    match: NamespaceGlob
    """A namespace's name, or a shell pattern such as ``team-*``."""
    default: Stage | None = None
    """The stage of every invariant that ``invariants`` doesn't name."""
    invariants: Mapping[Token, Stage] = field(default_factory=dict)
    """Stage by id, short name or category."""


@dataclass(frozen=True, slots=True)
class StageLabels:
    """How far the labels of a Namespace may go."""

    __pydantic_config__ = SECTION

    may_loosen: bool = False
    """Whether a label may set a lower stage than the configuration; by default only a higher."""


@dataclass(frozen=True, slots=True)
class StageSettings:
    """What the admission webhook does with findings; lint heeds ``failOn`` alone."""

    __pydantic_config__ = SECTION

    default: Mapping[Severity, Stage] = field(default_factory=dict)
    """Stage by severity, for what nothing else names."""
    invariants: Mapping[Token, Stage] = field(default_factory=dict)
    """Stage by id, short name or category."""
    namespaces: Annotated[tuple[NamespaceStages, ...], AtMost(1000)] = ()
    """Stages of particular namespaces."""
    labels: StageLabels = field(default_factory=StageLabels)
    """How far the labels of a Namespace may go."""


@dataclass(frozen=True, slots=True)
class WaiverSettings:
    """What ``Waiver`` objects may do, at every door."""

    __pydantic_config__ = SECTION

    max_days: Annotated[int, Between(1, 3660)] = 90
    """Days from a Waiver's creation (or ``notBefore``) to its last day, at most; one that lasts
    longer waives nothing."""


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """The admission webhook."""

    __pydantic_config__ = SECTION

    address: Annotated[str, _ADDRESS] = "0.0.0.0"  # noqa: S104 -- a pod serves its Service
    """IP address to listen on."""
    port: Port = 8443
    """Port of the TLS endpoint for reviews."""
    metrics_port: Port = 8080
    """Port of ``/metrics``, ``/healthz`` and ``/readyz`` in plain HTTP."""
    workers: Annotated[int, Between(1, MAX_WORKERS)] = 1
    """Processes that answer reviews, each on a core of its own; beyond 1 there is one more, which
    does everything else."""
    exempt_namespaces: Annotated[tuple[NamespaceGlob, ...], AtMost(1000)] = ("kube-system",)
    """Namespaces (globs) whose objects pass unjudged; the webhook's own is always one."""
    deny_custom_resources: bool = False
    """Whether ``enforce`` denies custom resources too; by default they get a warning."""
    docs_url: Url | None = None
    """Where pages of invariants are, with ``{name}`` or ``{id}`` to fill in."""
    grandfather: bool = True
    """Whether what controllers make for a workload older than the enforcement is admitted, with a
    warning: a node that dies must not turn an old workload into an outage."""
    controllers: Annotated[tuple[User, ...], AtMost(200)] = ()
    """Users (globs) beside Kubernetes' own controllers that are believed about the owners of what
    they create, and not held up when they scale: ``system:serviceaccount:lws-system:*``."""


@dataclass(frozen=True, slots=True)
class NamespaceMutation:
    """Mutation in the namespaces that ``match``; the first entry that speaks decides."""

    __pydantic_config__ = SECTION

    match: NamespaceGlob
    """A namespace's name, or a shell pattern such as ``team-*``."""
    enabled: bool | None = None
    """Whether Pods are changed at all here."""
    gpu_toleration: bool | None = None
    """See ``mutation.gpuToleration``."""
    seccomp_profile: bool | None = None
    """See ``mutation.seccompProfile``."""
    no_privilege_escalation: bool | None = None
    """See ``mutation.noPrivilegeEscalation``."""
    shared_memory: Annotated[str, _MEMORY] | None = None
    """See ``mutation.sharedMemory``."""
    cpu_per_gpu: Annotated[str, _CPU] | None = None
    """See ``mutation.cpuPerGpu``."""


@dataclass(frozen=True, slots=True)
class MutationSettings:
    """What Pods are given when they are created; only what nobody wrote is ever filled in."""

    __pydantic_config__ = SECTION

    enabled: bool = False
    """Whether Pods are changed at all."""
    gpu_toleration: bool = True
    """The toleration of the GPU pool's taint, with the parameters of ``gpu-tol-missing``."""
    seccomp_profile: bool = True
    """``seccompProfile: RuntimeDefault`` for the Pod."""
    no_privilege_escalation: bool = True
    """``allowPrivilegeEscalation: false`` for containers that need no privileges."""
    shared_memory: Annotated[str, _MEMORY] = "0"
    """The sizeLimit of a /dev/shm in memory, for containers with several GPUs; ``0``: none."""
    cpu_per_gpu: Annotated[str, _CPU] = "0"
    """The CPU request for each GPU, where a container names no CPU; ``0``: none."""
    namespace_labels: Annotated[tuple[Annotated[str, _LABEL], ...], AtMost(100)] = ()
    """Keys of labels that Pods take over from their namespace, such as ``karb.dev/owner``."""
    annotate: bool = True
    """Whether the annotation ``karb.dev/mutations`` lists the changes."""
    namespaces: Annotated[tuple[NamespaceMutation, ...], AtMost(1000)] = ()
    """Mutation in particular namespaces."""


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file."""

    __pydantic_config__ = SECTION

    profile: Annotated[str, _PROFILE] = "standard"
    """The set of invariants to start with: baseline, standard, strict, paper or one of yours."""
    select: Tokens = ()
    """The only invariants to evaluate, by id, short name or category; the profile's by default."""
    extend_select: Tokens = ()
    """Invariants to evaluate beside those, such as the ones that are only checked on request."""
    ignore: Tokens = ()
    """Invariants to leave out, by id, short name or category."""
    fail_on: Severity = Severity.ERROR
    """Lint ends with exit code 1 at findings of this severity or above."""
    complete: bool = False
    """Lint's input holds everything of its namespaces: what is missing there is missing."""
    exclude: Annotated[tuple[Glob, ...], AtMost(1000)] = ()
    """Files (globs) that lint leaves out."""
    policies: Files = ()
    """Folders with further policies, laid out as karb-guard's own."""
    params: Mapping[Token, Mapping[str, Any]] = field(default_factory=dict)
    """Parameters by id or short name of their invariant."""
    severity: Mapping[Token, Severity] = field(default_factory=dict)
    """Severities that replace an invariant's own, by id, short name or category."""
    engine: EngineSettings = field(default_factory=EngineSettings)
    """How policies are evaluated."""
    facts: FactsSettings = field(default_factory=FactsSettings)
    """What stands for GPUs and objectives in your clusters."""
    stages: StageSettings = field(default_factory=StageSettings)
    """What the admission webhook does with findings."""
    waivers: WaiverSettings = field(default_factory=WaiverSettings)
    """What ``Waiver`` objects may do."""
    webhook: WebhookSettings = field(default_factory=WebhookSettings)
    """The admission webhook."""
    mutation: MutationSettings = field(default_factory=MutationSettings)
    """What Pods are given when they are created."""
