"""A tree of manifests as a platform repository has it: a fixed mix, varied by number."""

from __future__ import annotations

from pathlib import Path

_CONTAINER = """      - name: server
        image: registry.example.com/ml/server:{tag}
        args: [--model=/models/m{n}, --port=8000]
        ports: [{{containerPort: 8000}}]
        resources:
          requests: {{cpu: "4", memory: 16Gi}}
          limits: {{memory: 16Gi, nvidia.com/gpu: 1}}
        securityContext: {{allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}
      - name: exporter
        image: registry.example.com/ml/exporter:1.0.{n}
        resources: {{limits: {{memory: 64Mi, cpu: 50m}}}}
        securityContext: {{allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}
"""
_POD = (
    """    metadata:
      labels: {{app: m{n}, karb.dev/owner: team-{team}, karb.dev/tier: standard}}
      annotations: {{karb.dev/slo-p95-latency: 300ms, karb.dev/slo-error-rate: "0.5%",
                    karb.dev/slo-cold-start: 2m}}
    spec:
      nodeSelector: {{nvidia.com/gpu.product: NVIDIA-L40S}}
      tolerations: [{{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}}]
      securityContext: {{runAsNonRoot: true, seccompProfile: {{type: RuntimeDefault}}}}
      containers:
"""
    + _CONTAINER
)
_DEPLOYMENT = (
    """apiVersion: apps/v1
kind: Deployment
metadata: {{name: m{n}, namespace: team-{team}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: m{n}}}}}
  template:
"""
    + _POD
)
_RAY = (
    """apiVersion: ray.io/v1
kind: RayCluster
metadata: {{name: m{n}, namespace: team-{team}}}
spec:
  headGroupSpec:
    template:
"""
    + "\n".join("  " + line for line in _POD.splitlines())
    + "\n"
)
_NETWORK = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: m{n}, namespace: team-{team}}}
spec:
  podSelector: {{matchLabels: {{app: m{n}}}}}
  policyTypes: [Ingress]
  ingress: [{{from: [{{podSelector: {{}}}}], ports: [{{port: 8000}}]}}]
"""
_SERVICE = """apiVersion: v1
kind: Service
metadata: {{name: m{n}, namespace: team-{team}}}
spec: {{selector: {{app: m{n}}}, ports: [{{port: 80, targetPort: 8000}}]}}
"""
_CONFIG = """apiVersion: v1
kind: ConfigMap
metadata: {{name: m{n}, namespace: team-{team}}}
data: {{model: m{n}, batch: "{n}"}}
"""
MIX = (_DEPLOYMENT, _SERVICE, _CONFIG, _NETWORK, _DEPLOYMENT, _RAY)


PER_NAMESPACE = 60


def write_tree(root: Path, count: int, per_namespace: int = PER_NAMESPACE) -> None:
    """Write ``count`` one-object files below ``root``; every tenth image floats."""
    for n in range(count):
        team = n // per_namespace
        folder = root / f"team-{team}"
        folder.mkdir(parents=True, exist_ok=True)
        tag = "latest" if n % 10 == 0 else f"1.{n}.0"
        text = MIX[n % len(MIX)].format(n=n, team=team, tag=tag)
        (folder / f"{n:05}.yaml").write_text(text, encoding="utf-8")
