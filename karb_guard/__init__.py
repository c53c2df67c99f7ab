"""karb-guard: policy as code for AI inference on Kubernetes."""

__version__ = "0.1.0"
