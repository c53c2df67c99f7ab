"""What scales a workload: HorizontalPodAutoscalers, ScaledObjects, and operators' own autoscalers.

Each is described in one shape (``shapes.Scaler``), bounded and in plain JSON, so that a policy asks
the same questions of all of them. Semantics: Kubernetes 1.37 and KEDA 2.20.
"""
