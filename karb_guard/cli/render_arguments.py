"""The arguments of ``lint`` about Helm charts and kustomizations."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from karb_guard.rendering import RenderOptions


def add_render_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``helm template`` and ``kustomize build`` are told.

    ``--set`` is taken: it sets parameters of invariants, for every door alike.
    """
    group = parser.add_argument_group("Helm charts and kustomizations")
    group.add_argument(
        "--render",
        action="store_true",
        help="render the charts and kustomizations that are found below PATH, too",
    )
    group.add_argument(
        "--values",
        action="append",
        default=[],
        metavar="FILE",
        help="values for the charts; repeatable, a later file wins",
    )
    group.add_argument(
        "--helm-set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a value for the charts, as helm --set takes it; repeatable",
    )
    group.add_argument(
        "--release-name", metavar="NAME", help="the charts' release (default: release-name)"
    )
    group.add_argument(
        "--namespace",
        metavar="NAMESPACE",
        help="where what is rendered goes that names no namespace itself",
    )


def render_options_of(args: argparse.Namespace) -> RenderOptions:
    """The arguments of ``add_render_arguments``. Raises ``UsageError``."""
    from karb_guard.rendering import RenderOptions

    return RenderOptions(
        values=tuple(args.values),
        helm_set=tuple(args.helm_set),
        release_name=args.release_name,
        namespace=args.namespace,
        below=args.render,
    )
