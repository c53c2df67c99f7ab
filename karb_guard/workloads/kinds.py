"""The kind table: where each kind keeps its pod templates, as data, one row a kind.

The patterns, and the behaviour noted beside them, come from each project's API types and
controllers, which are named above the rows. ``rows.py`` says what the columns mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from karb_guard.workloads.rows import Form, Kind, Location


def _kind(name: str, versions: str, role: str, *locations: Location, injects: str = "") -> Kind:
    """A row from ``group/Kind``, with versions and injected things divided by spaces."""
    group, _, kind = name.rpartition("/")
    return Kind(group, kind, tuple(versions.split()), role, locations, tuple(injects.split()))


def _built_in(name: str, role: str, spec: str, replicas: str | None = None) -> Kind:
    """A kind of Kubernetes itself, with one PodSpec and nobody who changes it."""
    group, _, kind = name.rpartition("/")
    return Kind(group, kind, ("v1",), role, (Location(spec, replicas=replicas),), operator=False)


# k8s.io/api v0.37
_BUILT_IN = (
    _built_in("/Pod", "pod", "spec"),
    _built_in("/PodTemplate", "runtime", "template.spec"),
    _built_in("/ReplicationController", "serving", "spec.template.spec", "spec.replicas"),
    _built_in("apps/Deployment", "serving", "spec.template.spec", "spec.replicas"),
    _built_in("apps/StatefulSet", "serving", "spec.template.spec", "spec.replicas"),
    _built_in("apps/DaemonSet", "system", "spec.template.spec"),
    _built_in("apps/ReplicaSet", "serving", "spec.template.spec", "spec.replicas"),
    _built_in("batch/Job", "batch", "spec.template.spec", "spec.parallelism"),
    _built_in(
        "batch/CronJob",
        "batch",
        "spec.jobTemplate.spec.template.spec",
        "spec.jobTemplate.spec.parallelism",
    ),
)


def _component(path: str) -> Location:
    """A KServe component: its own labels win over the InferenceService's (buildObjectMeta)."""
    return Location(path, Form.KSERVE, "", ("/metadata",), replicas=f"{path}.minReplicas")


_LLM_PASSES = (
    "kueue.x-k8s.io",
    "prometheus.io",
    "k8s.v1.cni.cncf.io",
    "leaderworkerset.sigs.k8s.io",
    "internal.serving.kserve.io/localmodel",
    "serving.kserve.io/exp-dra-",  # not passed on, but turned into a claim of the pods
)


def _llm_pods(path: str, field: str) -> Location:
    """A PodSpec without metadata, merged over what ``baseRefs`` and the presets say."""
    return Location(
        f"{path}.{field}",
        metadata="^",
        inherits=("/metadata",),
        passes=_LLM_PASSES,
        open=("*",),
        replicas=f"{path}.replicas",
    )


_ISVC = (
    _component("spec.predictor"),
    Location(
        "spec.predictor.workerSpec",
        metadata="^",
        inherits=("/metadata",),
        open=("*",),
        replicas="spec.predictor.minReplicas",
        size="spec.predictor.workerSpec.pipelineParallelSize",
    ),
    _component("spec.transformer"),
    _component("spec.explainer"),
    _component("spec.canary[].predictor"),
)
_RUNTIME = (  # the server's container of a runtime is merged with the InferenceService's
    Location("spec", metadata="", open=("kserve-container",)),
    Location("spec.workerSpec", metadata="", open=("worker-container",)),
)
_LLM = (
    _llm_pods("spec", "template"),
    _llm_pods("spec", "worker"),
    _llm_pods("spec.prefill", "template"),
    _llm_pods("spec.prefill", "worker"),
    Location("spec.router.scheduler.template", metadata="^", open=("*",)),
)

# kserve/kserve pkg/apis/serving, whose webhook fills in the CPU and memory that the installation
# sets (setResourceRequirementDefaults); controllers inferenceservice (the runtime's and the
# service's container are merged by MergeServingRuntimeAndInferenceServiceSpecs; setDefaultPodSpec
# sets a readiness probe) and llmisvc (presets bring probes and a memory-backed /dev/shm; labels
# and annotations by propagateDeploymentMetadata, which takes those of the service itself only with
# certain prefixes; the pods' app.kubernetes.io/name is the service's name).
_KSERVE = (
    _kind(
        "serving.kserve.io/InferenceService",
        "v1beta1",
        "serving",
        *_ISVC,
        injects="probes resources",
    ),
    _kind("serving.kserve.io/ServingRuntime", "v1alpha1", "runtime", *_RUNTIME),
    _kind("serving.kserve.io/ClusterServingRuntime", "v1alpha1", "runtime", *_RUNTIME),
    _kind(
        "serving.kserve.io/LLMInferenceService",
        "v1alpha1 v1alpha2",
        "serving",
        *_LLM,
        injects="probes shm name",
    ),
    _kind(
        "serving.kserve.io/LLMInferenceServiceConfig",
        "v1alpha1 v1alpha2",
        "runtime",
        *_LLM,
        injects="probes shm",
    ),
)


def _ray(name: str, versions: str, role: str, cluster: str, submitter: str = "") -> Kind:
    """A Ray kind: the head, the worker groups, and the pod that submits the job."""
    groups = f"{cluster}.workerGroupSpecs[]"
    locations = [
        Location(f"{cluster}.headGroupSpec.template.spec"),
        Location(
            f"{groups}.template.spec", replicas=f"{groups}.replicas", size=f"{groups}.numOfHosts"
        ),
    ]
    if submitter:
        locations.append(Location(f"{submitter}.spec"))
    return _kind(f"ray.io/{name}", versions, role, *locations, injects="probes shm metrics")


# ray-project/kuberay ray-operator/apis/ray/v1; controllers/ray/common/pod.go adds liveness and
# readiness probes, a memory-backed /dev/shm and a metrics port where they are absent.
_RAY = (
    _ray("RayCluster", "v1 v1alpha1", "serving", "spec"),
    _ray("RayService", "v1 v1alpha1", "serving", "spec.rayClusterConfig"),
    _ray("RayJob", "v1 v1alpha1", "batch", "spec.rayClusterSpec", "spec.submitterPodTemplate"),
    _ray(
        "RayCronJob",
        "v1",
        "batch",
        "spec.jobTemplate.rayClusterSpec",
        "spec.jobTemplate.submitterPodTemplate",
    ),
)


def _jobs(path: str, opened: tuple[str, ...] = ()) -> Location:
    """The Jobs of a JobSet; ``replicas`` Jobs of ``parallelism`` pods each."""
    return Location(
        f"{path}.template.spec.template.spec",
        open=opened,
        replicas=f"{path}.replicas",
        size=f"{path}.template.spec.parallelism",
    )


_GROUP = "spec.leaderWorkerTemplate"
_TRAINING = _jobs(
    "spec.template.spec.replicatedJobs[]", ("node", "dataset-initializer", "model-initializer")
)

# kubernetes-sigs/lws api/leaderworkerset/v1; kubernetes-sigs/jobset api/jobset/v1alpha2;
# kubeflow/trainer pkg/apis/trainer/v1alpha1: a TrainJob overrides image, command, env and
# resources of the containers that are open in the runtimes.
_SIGS = (
    _kind(
        "leaderworkerset.x-k8s.io/LeaderWorkerSet",
        "v1",
        "serving",
        Location(f"{_GROUP}.leaderTemplate.spec", replicas="spec.replicas"),
        Location(f"{_GROUP}.workerTemplate.spec", replicas="spec.replicas", size=f"{_GROUP}.size"),
    ),
    _kind("jobset.x-k8s.io/JobSet", "v1alpha2", "batch", _jobs("spec.replicatedJobs[]")),
    _kind("trainer.kubeflow.org/TrainingRuntime", "v1alpha1", "runtime", _TRAINING),
    _kind("trainer.kubeflow.org/ClusterTrainingRuntime", "v1alpha1", "runtime", _TRAINING),
    _kind(
        "trainer.kubeflow.org/TrainJob",
        "v1alpha1",
        "batch",
        Location(
            "spec.trainer",
            Form.TRAINER,
            metadata="^",
            open=("*",),
            replicas="spec.trainer.numNodes",
        ),
    ),
)


def _replica_specs(name: str, versions: str, field: str) -> Kind:
    """A job of the training operator: a map from replica type to PodTemplateSpec."""
    path = f"spec.{field}.*"
    spec = Location(f"{path}.template.spec", replicas=f"{path}.replicas")
    return _kind(f"kubeflow.org/{name}", versions, "batch", spec)


# kubeflow/training-operator pkg/apis/kubeflow.org/v1; kubeflow/mpi-operator v2beta1;
# kubeflow/kubeflow notebook-controller: the Notebook's own labels and annotations go to the pod.
_KUBEFLOW = (
    _replica_specs("PyTorchJob", "v1", "pytorchReplicaSpecs"),
    _replica_specs("TFJob", "v1", "tfReplicaSpecs"),
    _replica_specs("XGBoostJob", "v1", "xgbReplicaSpecs"),
    _replica_specs("PaddleJob", "v1", "paddleReplicaSpecs"),
    _replica_specs("MPIJob", "v2beta1 v1", "mpiReplicaSpecs"),
    _kind(
        "kubeflow.org/Notebook",
        "v1 v1beta1 v1alpha1",
        "interactive",
        Location("spec.template.spec", metadata="/metadata"),
    ),
)


def _argo(name: str, role: str, workflow: str) -> Kind:
    """A kind that holds a WorkflowSpec at ``workflow``."""
    templates = Location(
        f"{workflow}.templates[]", Form.ARGO, "metadata", inherits=(f"/{workflow}.podMetadata",)
    )
    return _kind(f"argoproj.io/{name}", "v1alpha1", role, templates, injects="token")


# argoproj/argo-workflows pkg/apis/workflow/v1alpha1, workflow/controller/workflowpod.go;
# the executor beside each step reports to the API server with the pod's own token.
# argoproj/argo-rollouts pkg/apis/rollouts/v1alpha1 (no template where workloadRef is used).
_ARGO = (
    _argo("Workflow", "batch", "spec"),
    _argo("WorkflowTemplate", "runtime", "spec"),
    _argo("ClusterWorkflowTemplate", "runtime", "spec"),
    _argo("CronWorkflow", "batch", "spec.workflowSpec"),
    _kind(
        "argoproj.io/Rollout",
        "v1alpha1",
        "serving",
        Location("spec.template.spec", replicas="spec.replicas"),
    ),
)

_REVISION_TEMPLATE = Location("spec.template.spec")


def _knative(name: str, template: Location) -> Kind:
    """A kind that Revisions are made of, or a Revision.

    knative/serving pkg/apis/serving/v1: a readiness probe is always set; a Revision's own labels
    and annotations go to its pods (pkg/reconciler/revision/resources/deploy.go), whose images are
    those that the tags pointed to when it was made (pkg/reconciler/revision/resolve.go).
    """
    kind = f"serving.knative.dev/{name}"
    return _kind(kind, "v1", "serving", template, injects="probes digests")


_KNATIVE = (
    _knative("Service", _REVISION_TEMPLATE),
    _knative("Configuration", _REVISION_TEMPLATE),
    _knative("Revision", Location("spec", metadata="/metadata")),
)


def _nim(name: str, path: str) -> Kind:
    """A kind that holds a NIMServiceSpec at ``path``."""
    spec = Location(
        path,
        Form.NIM,
        metadata="",
        open=("*",),
        replicas=f"{path}.replicas",
        size=f"{path}.multiNode.size",
    )
    return _kind(f"apps.nvidia.com/{name}", "v1alpha1", "serving", spec, injects="probes shm")


# NVIDIA/k8s-nim-operator api/apps/v1alpha1: default probes, a memory-backed /dev/shm (dshm).
_NIM = (_nim("NIMService", "spec"), _nim("NIMPipeline", "spec.services[].spec"))


def _dynamo(name: str, alpha: str, beta: str, inherits: tuple[str, ...]) -> Kind:
    """A kind with components: at ``alpha`` in v1alpha1, at ``beta`` in v1beta1."""
    v1alpha1 = Location(
        alpha,
        Form.DYNAMO,
        metadata="extraPodMetadata",
        inherits=("", *inherits),
        open=("main",),
        replicas=f"{alpha}.replicas",
        size=f"{alpha}.multinode.nodeCount",
        versions=("v1alpha1",),
    )
    v1beta1 = Location(
        f"{beta}.podTemplate.spec",
        inherits=inherits,
        open=("main",),
        replicas=f"{beta}.replicas",
        size=f"{beta}.multinode.nodeCount",
        versions=("v1beta1",),
    )
    return _kind(
        f"nvidia.com/{name}",
        "v1alpha1 v1beta1",
        "serving",
        v1alpha1,
        v1beta1,
        injects="probes shm",
    )


# ai-dynamo/dynamo deploy/operator/api: v1alpha1 has services with extraPodSpec, v1beta1 has
# components with a PodTemplateSpec; the operator fills the container ``main``.
_DYNAMO = (
    _dynamo("DynamoGraphDeployment", "spec.services.*", "spec.components[]", ("/spec",)),
    _dynamo("DynamoComponentDeployment", "spec", "spec", ()),
)

# substratusai/kubeai api/k8s/v1, internal/modelcontroller: all but the server's arguments and
# environment comes from the profile and the installation's configuration.
_KUBEAI = (
    _kind(
        "kubeai.org/Model",
        "v1",
        "serving",
        Location("spec", Form.KUBEAI, metadata="", open=("*",), replicas="spec.minReplicas"),
        injects="probes shm tolerations nodeSelector resources",
    ),
)

_ROLE = "spec.template.spec.roles[]"
_CLIQUE = "spec.template.cliques[]"

# SeldonIO/seldon-core operator/apis/machinelearning.seldon.io (its defaulting adds probes);
# vllm-project/aibrix api/orchestration/v1alpha1; ai-dynamo/grove operator/api/core/v1alpha1;
# volcano-sh/apis pkg/apis/batch/v1alpha1; kedacore/keda apis/keda/v1alpha1.
_OTHERS = (
    _kind(
        "machinelearning.seldon.io/SeldonDeployment",
        "v1 v1alpha2 v1alpha3",
        "serving",
        Location(
            "spec.predictors[].componentSpecs[].spec",
            inherits=("^^^",),
            replicas="spec.predictors[].replicas",
        ),
        injects="probes",
    ),
    _kind(
        "orchestration.aibrix.ai/StormService",
        "v1alpha1",
        "serving",
        Location(f"{_ROLE}.template.spec", replicas="spec.replicas", size=f"{_ROLE}.replicas"),
    ),
    _kind(
        "grove.io/PodCliqueSet",
        "v1alpha1",
        "serving",
        Location(
            f"{_CLIQUE}.spec.podSpec",
            metadata="^^",
            replicas="spec.replicas",
            size=f"{_CLIQUE}.spec.replicas",
        ),
    ),
    _kind(
        "batch.volcano.sh/Job",
        "v1alpha1",
        "batch",
        Location("spec.tasks[].template.spec", replicas="spec.tasks[].replicas"),
    ),
    _kind(
        "keda.sh/ScaledJob",
        "v1alpha1",
        "batch",
        Location("spec.jobTargetRef.template.spec", replicas="spec.maxReplicaCount"),
    ),
)

TABLE: tuple[Kind, ...] = (
    _BUILT_IN
    + _KSERVE
    + _RAY
    + _SIGS
    + _KUBEFLOW
    + _ARGO
    + _KNATIVE
    + _NIM
    + _DYNAMO
    + _KUBEAI
    + _OTHERS
)
"""Every kind whose pod templates are understood."""

ROWS: Mapping[tuple[str, str], Kind] = MappingProxyType({(k.group, k.kind): k for k in TABLE})
"""The table by (API group, kind)."""


def carries_pods(match: str) -> bool:
    """Whether objects of a kind, named as ``custom.match`` does (``/Pod``), hold pod templates."""
    group, _, kind = match.rpartition("/")
    return (group, kind) in ROWS
