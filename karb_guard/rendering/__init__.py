"""Charts and kustomizations -> the manifests they stand for, through ``helm`` and ``kustomize``.

`read_inputs` is `karb_guard.manifests.read_paths` for command lines that may name charts.
"""

from karb_guard.rendering.inputs import read_inputs
from karb_guard.rendering.options import RenderOptions

__all__ = ["RenderOptions", "read_inputs"]
