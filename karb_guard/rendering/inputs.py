"""Paths of the command line -> sources: files as they are, charts and kustomizations rendered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from karb_guard.manifests import Source, read_paths
from karb_guard.model.errors import UsageError
from karb_guard.rendering.options import RenderOptions
from karb_guard.rendering.plan import Form, Plan, plan

if TYPE_CHECKING:
    from karb_guard.rendering.commands import RenderLimits


def read_inputs(
    paths: Sequence[str],
    exclude: Sequence[str] = (),
    options: RenderOptions | None = None,
    limits: RenderLimits | None = None,
) -> Iterator[Source]:
    """`read_paths`, with what charts and kustomizations among ``paths`` stand for, first.

    What a kustomization does not name is read as it is; what stands beside a chart's templates is
    left out, and said. A chart that can't be rendered is a source with a problem; the rest is
    still read. Raises ``UsageError`` for options that no chart can take.
    """
    options = options or RenderOptions()
    found = plan(paths, exclude, below=options.below)
    _refuse_idle(options, found)
    return _sources(paths, exclude, options, limits, found)


def _refuse_idle(options: RenderOptions, found: Plan) -> None:
    """An option that does nothing is a mistake: the input is not what its author believes."""
    charts = any(unit.form is Form.HELM for unit in found.units)
    idle = options.for_anything if not found.units else [] if charts else options.for_charts
    if not idle:
        return
    what = "Helm chart" if found.units else "Helm chart or kustomization"
    further = "" if options.below else ", or look for some below PATH with --render"
    raise UsageError(f"{' and '.join(idle)}: no PATH is a {what}; name one{further}")


def _sources(
    paths: Sequence[str],
    exclude: Sequence[str],
    options: RenderOptions,
    limits: RenderLimits | None,
    found: Plan,
) -> Iterator[Source]:
    if found.units:
        # only here: most runs have nothing to render, and start without subprocess
        from karb_guard.rendering.units import rendered

        for unit in found.units:
            yield from rendered(unit, options, limits)
    yield from found.left_out
    plain = [path for path in paths if path not in found.archives]
    yield from read_paths(plain, exclude, covered=found.covers if found.covered else None)
