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
    if options.for_charts and not any(unit.form is Form.HELM for unit in found.units):
        given = " and ".join(options.for_charts)
        raise UsageError(
            f"{given}: no PATH is a Helm chart; name a chart's directory or archive"
            + ("" if options.below else ", or look for charts below PATH with --render")
        )
    return _sources(paths, exclude, options, limits, found)


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
