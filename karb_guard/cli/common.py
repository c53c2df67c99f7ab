"""Arguments that several commands share, and what they mean."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from karb_guard.assembly import Choices
from karb_guard.model.errors import UsageError


def add_policy_arguments(parser: argparse.ArgumentParser) -> None:
    """``--config`` and ``--policies``: which policies there are."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the configuration (default: karb-guard.yaml here or above, up to the repository)",
    )
    parser.add_argument(
        "--policies",
        action="append",
        default=[],
        metavar="DIR",
        help="policies of your own beside karb-guard's; repeatable",
    )


def add_selection_arguments(parser: argparse.ArgumentParser) -> None:
    """Which invariants are evaluated, and with which parameters."""
    add_policy_arguments(parser)
    parser.add_argument(
        "--profile",
        metavar="NAME",
        help="the set of invariants to start with: baseline, standard, strict or paper "
        "(default: standard)",
    )
    parser.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="NAMES",
        help="only these ids, short names or categories; repeatable, or separated by commas",
    )
    parser.add_argument(
        "--extend-select",
        action="append",
        default=[],
        metavar="NAMES",
        help="these too, such as those that are only checked on request",
    )
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="NAMES", help="all but these"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME.PARAM=VALUE",
        dest="set_params",
        help="set a parameter of an invariant (of a chart: --helm-set); VALUE is YAML: "
        "--set 'img-registry.registries=[nvcr.io]'",
    )


def add_cluster_arguments(where: argparse._ArgumentGroup) -> None:
    """``--kubeconfig``, ``--context``, ``--in-cluster``: which cluster is meant."""
    where.add_argument(
        "--kubeconfig",
        type=Path,
        metavar="FILE",
        help="the cluster and its credentials (default: $KUBECONFIG, ~/.kube/config, else the "
        "cluster that this runs in)",
    )
    where.add_argument("--context", metavar="NAME", help="a context of the kubeconfig")
    where.add_argument(
        "--in-cluster", action="store_true", help="the cluster that this runs in, as its own pod"
    )


def check_cluster_arguments(args: argparse.Namespace) -> None:
    """Raise ``UsageError`` for two clusters at once."""
    if args.in_cluster and (args.kubeconfig or args.context):
        raise UsageError("--in-cluster has no kubeconfig: leave out --kubeconfig and --context")


def choices_of(args: argparse.Namespace) -> Choices:
    """The arguments of ``add_policy_arguments`` or ``add_selection_arguments`` as choices."""
    return Choices(
        config_file=args.config,
        policies=[str(Path(folder).absolute()) for folder in args.policies],
        profile=getattr(args, "profile", None),
        select=_tokens(getattr(args, "select", [])),
        extend_select=_tokens(getattr(args, "extend_select", [])),
        ignore=_tokens(getattr(args, "ignore", [])),
        set_params=getattr(args, "set_params", []),
    )


def _tokens(values: Sequence[str]) -> list[str]:
    return [token for value in values for token in value.replace(",", " ").split()]
