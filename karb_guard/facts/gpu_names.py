"""The names by which accelerators are known in a cluster: data, each row with its source.

docs/gpu-detection.md is the same list for readers; a test holds both together.
"""

from __future__ import annotations

from typing import NamedTuple


class Name(NamedTuple):
    """A pattern (shell glob), the vendor it speaks of, and where that is documented."""

    pattern: str
    vendor: str | None
    source: str
    values: tuple[str, ...] = ()
    """Only these values count (globs); empty for any but ``FALSE_VALUES``."""


FALSE_VALUES = frozenset({"false", "none", "no", "0", "absent"})
"""Label values that select nodes *without* the accelerator."""

_NVIDIA_PLUGIN = "github.com/NVIDIA/k8s-device-plugin"
_HAMI = "github.com/Project-HAMi/HAMi"

RESOURCES: tuple[Name, ...] = (
    Name("nvidia.com/gpu", "nvidia", _NVIDIA_PLUGIN),
    Name("nvidia.com/gpu.shared", "nvidia", _NVIDIA_PLUGIN),
    Name("nvidia.com/mig-*", "nvidia", _NVIDIA_PLUGIN),
    Name("nvidia.com/pgpu", "nvidia", "github.com/NVIDIA/kubevirt-gpu-device-plugin"),
    Name("nvidia.com/vgpu", "nvidia", "github.com/NVIDIA/kubevirt-gpu-device-plugin"),
    Name("nvidia.com/gpumem*", "nvidia", _HAMI),
    Name("nvidia.com/gpucores", "nvidia", _HAMI),
    Name("amd.com/gpu", "amd", "github.com/ROCm/k8s-device-plugin"),
    Name("amd.com/*_nps*", "amd", "github.com/ROCm/k8s-device-plugin: resource naming mixed"),
    Name("gpu.intel.com/*", "intel", "github.com/intel/intel-device-plugins-for-kubernetes"),
    Name("google.com/tpu", "google", "cloud.google.com/kubernetes-engine/docs/how-to/tpus"),
    Name("aws.amazon.com/neuron*", "aws", "awsdocs-neuron.readthedocs-hosted.com"),
    Name("habana.ai/gaudi", "habana", "docs.habana.ai"),
)
"""Test 1: extended resources of device plugins."""

OTHER_RESOURCES: tuple[Name, ...] = (
    Name("*kubernetes.io/*", None, "k8s.io/api/core/v1: native resources"),
    Name("rdma/*", None, "github.com/Mellanox/k8s-rdma-shared-dev-plugin"),
    Name("*rdma*", None, "NVIDIA Network Operator: nvidia.com/rdma_shared_device_a"),
    Name("*sriov*", None, "github.com/k8snetworkplumbingwg/sriov-network-device-plugin"),
    Name("nvidia.com/hostdev", None, "NVIDIA Network Operator"),
    Name("vpc.amazonaws.com/*", None, "github.com/aws/eks-charts: EFA and network interfaces"),
    Name("networking.gke.io*", None, "cloud.google.com/kubernetes-engine: multi-networking"),
    Name("devices.kubevirt.io/*", None, "kubevirt.io: kvm, tun, vhost-net"),
    Name("smarter-devices/*", None, "github.com/smarter-project/smarter-device-manager"),
    Name("qat.intel.com/*", None, "github.com/intel/intel-device-plugins-for-kubernetes"),
    Name("sgx.intel.com/*", None, "github.com/intel/intel-device-plugins-for-kubernetes"),
)
"""Extended resources of what is no accelerator."""

DEVICE, PARTITION, SHARED, PORTION, CLAIMED = "device", "partition", "shared", "portion", "claimed"
"""What a unit of a resource is: a whole device; an isolated part of one; a share of one without
isolation; an amount of memory or compute on a device that another resource counts; a device that
Dynamic Resource Allocation hands out."""

_INTEL_PLUGIN = "github.com/intel/intel-device-plugins-for-kubernetes"

FORMS: tuple[tuple[str, str, str], ...] = (
    ("*.shared", SHARED, _NVIDIA_PLUGIN),
    ("nvidia.com/mig-*", PARTITION, _NVIDIA_PLUGIN),
    ("nvidia.com/vgpu", PARTITION, "github.com/NVIDIA/kubevirt-gpu-device-plugin"),
    ("nvidia.com/gpumem*", PORTION, _HAMI),
    ("nvidia.com/gpucores", PORTION, _HAMI),
    ("amd.com/[!s]*_nps*", PARTITION, "github.com/ROCm/k8s-device-plugin: resource naming mixed"),
    ("gpu.intel.com/millicores", PORTION, _INTEL_PLUGIN),
    ("gpu.intel.com/memory.max", PORTION, _INTEL_PLUGIN),
    ("gpu.intel.com/tiles", PORTION, _INTEL_PLUGIN),
    ("gpu.intel.com/*_monitoring", PORTION, _INTEL_PLUGIN),
    ("aws.amazon.com/neuroncore", PARTITION, "awsdocs-neuron.readthedocs-hosted.com"),
)
"""Resource name (glob), its form, and where that is documented. Any other is a ``DEVICE``."""

INDIRECT_RESOURCE = "gpu"
"""Test 4: a bare ``gpu`` is no resource name of Kubernetes; operators (Dynamo) translate it."""

DEVICE_CLASS_RESOURCE = "deviceclass.resource.kubernetes.io/"
"""Test 2: the implicit extended resource of a DeviceClass (k8s.io/api/resource/v1)."""

DEVICE_CLASSES: tuple[Name, ...] = (
    Name("gpu.nvidia.com", "nvidia", "github.com/kubernetes-sigs/dra-driver-nvidia-gpu"),
    Name("mig.nvidia.com", "nvidia", "github.com/kubernetes-sigs/dra-driver-nvidia-gpu"),
    Name("vfio.gpu.nvidia.com", "nvidia", "github.com/kubernetes-sigs/dra-driver-nvidia-gpu"),
    Name("gpu.amd.com", "amd", "github.com/ROCm/k8s-gpu-dra-driver"),
    Name("gpu.intel.com", "intel", "github.com/intel/intel-resource-drivers-for-kubernetes"),
    Name("gaudi.intel.com", "habana", "github.com/intel/intel-resource-drivers-for-kubernetes"),
    Name("tpu.google.com", "google", "github.com/google/dra-driver-google-tpu"),
    Name("gpu.*", None, "by its name: DRA drivers are named after what they drive"),
    Name("*.gpu.*", None, "by its name: DRA drivers are named after what they drive"),
)
"""Test 3: DeviceClasses and DRA drivers of accelerators. A DeviceClass of any other name is
looked up, and its CEL selectors are searched for ``device.driver == '<one of these>'``."""

OTHER_DEVICE_CLASSES: tuple[Name, ...] = (
    Name("compute-domain*.nvidia.com", None, "github.com/kubernetes-sigs/dra-driver-nvidia-gpu"),
    Name("dra.net", None, "github.com/kubernetes-sigs/dranet"),
    Name("dra.cpu", None, "github.com/kubernetes-sigs/dra-driver-cpu"),
    Name("mrdma.google.com", None, "cloud.google.com/kubernetes-engine (managed DRANET)"),
    Name("netdev.google.com", None, "cloud.google.com/kubernetes-engine (managed DRANET)"),
    Name("sriovnetwork.k8snetworkplumbingwg.io", None, "github.com/k8snetworkplumbingwg"),
)
"""DeviceClasses and drivers of what is no accelerator."""

TAINTS: tuple[Name, ...] = (
    Name("nvidia.com/*", "nvidia", "NVIDIA GPU Operator; GKE sets nvidia.com/gpu=present"),
    Name("amd.com/gpu", "amd", "instinct.docs.amd.com/projects/gpu-operator"),
    Name("gpu.intel.com/*", "intel", "named like the resource (ExtendedResourceToleration)"),
    Name("google.com/tpu", "google", "cloud.google.com/kubernetes-engine/docs/how-to/tpus"),
    Name("habana.ai/gaudi", "habana", "named like the resource (ExtendedResourceToleration)"),
    Name("aws.amazon.com/neuron*", "aws", "awsdocs-neuron.readthedocs-hosted.com"),
    Name("cloud.google.com/gke-accelerator", None, "named like GKE's node label"),
    Name("kubernetes.azure.com/accelerator", None, "named like AKS's node label"),
    Name("sku", None, "learn.microsoft.com/azure/aks/gpu-cluster: sku=gpu:NoSchedule", ("gpu",)),
)
"""Taint keys of GPU nodes."""

_NFD = "kubernetes-sigs.github.io/node-feature-discovery: PCI vendor of the device"
_KARPENTER = "karpenter.sh: well-known labels"
_EKS = "docs.aws.amazon.com/eks: Auto Mode node labels"
_FAMILIES = ("p[0-9]*", "g[0-9]*", "inf[0-9]*", "trn[0-9]*")
_CATEGORIES = ("p", "g", "inf", "trn")

LABELS: tuple[Name, ...] = (
    Name("nvidia.com/gpu*", "nvidia", "github.com/NVIDIA/gpu-feature-discovery"),
    Name("nvidia.com/mig*", "nvidia", "github.com/NVIDIA/gpu-feature-discovery"),
    Name("nvidia.com/cuda.*", "nvidia", "github.com/NVIDIA/gpu-feature-discovery"),
    Name("nvidia.com/vgpu*", "nvidia", "github.com/NVIDIA/gpu-feature-discovery"),
    Name("amd.com/gpu*", "amd", "github.com/ROCm/k8s-device-plugin: node labeller"),
    Name("beta.amd.com/gpu*", "amd", "github.com/ROCm/k8s-device-plugin: node labeller"),
    Name("gpu.intel.com/*", "intel", "github.com/intel/intel-device-plugins-for-kubernetes"),
    Name("intel.feature.node.kubernetes.io/gpu", "intel", "github.com/intel: device plugins"),
    Name("intel.feature.node.kubernetes.io/gaudi*", "habana", "github.com/intel: device plugins"),
    Name("habana.ai/*", "habana", "docs.habana.ai"),
    Name("feature.node.kubernetes.io/pci-*10de*", "nvidia", _NFD),
    Name("feature.node.kubernetes.io/pci-*1002*", "amd", _NFD),
    Name("feature.node.kubernetes.io/pci-*1da3*", "habana", _NFD),
    Name("cloud.google.com/gke-accelerator*", None, "cloud.google.com/kubernetes-engine"),
    Name("cloud.google.com/gke-gpu*", None, "cloud.google.com/kubernetes-engine"),
    Name("cloud.google.com/gke-tpu-*", "google", "cloud.google.com/kubernetes-engine"),
    Name(
        "cloud.google.com/machine-family",
        None,
        "cloud.google.com/compute: accelerator-optimized machines",
        ("a[2-9]", "a[2-9]x", "g[2-9]", "ct*", "tpu*"),
    ),
    Name("kubernetes.azure.com/accelerator", None, "learn.microsoft.com/azure/aks/gpu-cluster"),
    Name("accelerator", None, "Kubernetes documentation, Schedule GPUs; AKS"),
    Name("k8s.amazonaws.com/accelerator", None, "cluster-autoscaler, AWS provider"),
    Name("karpenter.k8s.aws/instance-gpu-*", None, _KARPENTER),
    Name("karpenter.k8s.aws/instance-accelerator-*", None, _KARPENTER),
    Name("karpenter.k8s.aws/instance-family", None, _KARPENTER, _FAMILIES),
    Name("karpenter.k8s.aws/instance-category", None, _KARPENTER, _CATEGORIES),
    Name("karpenter.azure.com/sku-gpu-*", None, "github.com/Azure/karpenter-provider-azure"),
    Name("eks.amazonaws.com/instance-gpu-*", None, _EKS),
    Name("eks.amazonaws.com/instance-accelerator-*", None, _EKS),
    Name("eks.amazonaws.com/instance-family", None, _EKS, _FAMILIES),
    Name("eks.amazonaws.com/instance-category", None, _EKS, _CATEGORIES),
    Name(
        "node.kubernetes.io/instance-type",
        None,
        "machine types with accelerators: AWS, Google Cloud, Azure",
        (
            *("p[0-9]*.*", "g[0-9]*.*", "inf[0-9]*.*", "trn[0-9]*.*", "dl[0-9]*.*"),
            *("a[2-9]-*", "g[2-9]-*", "ct*-*t", "tpu*-*t", "Standard_N[CDGV]*"),
        ),
    ),
)
"""Node labels that select accelerators."""

INDIRECT_ANNOTATIONS: tuple[Name, ...] = (
    Name("gpu-fraction", "nvidia", "github.com/kai-scheduler/KAI-Scheduler: GPU sharing"),
    Name("gpu-memory", "nvidia", "github.com/kai-scheduler/KAI-Scheduler: GPU sharing"),
)
"""Test 4: annotations by which a GPU is asked for without a resource."""

DEVICE_CLASS_ANNOTATION = "serving.kserve.io/exp-dra-device-class"
"""Test 4: KServe turns it into a claim of that DeviceClass."""

CDI_ANNOTATIONS = ("nvidia.cdi.k8s.io/", "cdi.k8s.io/")
"""Test 5: prefixes of annotations by which the runtime injects devices
(github.com/cncf-tags/container-device-interface)."""

VISIBLE_DEVICES = {
    "NVIDIA_VISIBLE_DEVICES": "nvidia",
    "AMD_VISIBLE_DEVICES": "amd",
    "HABANA_VISIBLE_DEVICES": "habana",
}
"""Test 5: the variable by which a vendor's container runtime is told which devices to inject
(docs.nvidia.com/datacenter/cloud-native/container-toolkit,
instinct.docs.amd.com/projects/container-toolkit, docs.habana.ai)."""
HIDDEN = frozenset({"", "void", "none"})
"""Values with which it injects no device."""

DEVICE_PATHS: tuple[Name, ...] = (
    Name("/dev/nvidia*", "nvidia", "docs.nvidia.com/datacenter/cloud-native"),
    Name("/dev/dri", None, "kernel.org: Direct Rendering Infrastructure"),
    Name("/dev/dri/*", None, "kernel.org: Direct Rendering Infrastructure"),
    Name("/dev/kfd", "amd", "rocm.docs.amd.com"),
)
"""Test 6: device files that a hostPath volume can reach."""

RUNTIME_CLASSES: tuple[Name, ...] = (
    Name("nvidia*", "nvidia", "NVIDIA GPU Operator: nvidia, nvidia-cdi, nvidia-legacy"),
)
"""Test 7."""
