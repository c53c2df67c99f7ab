"""The scores of layers and of namespaces."""

from __future__ import annotations

from karb_guard.reports.figures import Digest, NamespaceRow
from karb_guard.reports.html import charts
from karb_guard.reports.html.markup import Markup, tag
from karb_guard.reports.html.words import (
    card,
    cell,
    count_cells,
    gpu_hours,
    left_out,
    namespace_name,
    number,
    table,
)
from karb_guard.reports.layers import Layer

MAX_NAMESPACES = 150


def layers(digest: Digest) -> Markup:
    """The score of each layer of the paper."""
    heads = [("Layer", False), ("Score", True), ("Points left", None)]
    heads += [("Errors", True), ("Warnings", True), ("Info", True)]
    rows = [_layer(digest, layer) for layer in Layer]
    caption = "The five layers of the KARB paper, and governance across them"
    return card("layers", "Score per layer", table(caption, heads, rows, "Score per layer"))


def _layer(digest: Digest, layer: Layer) -> Markup:
    score = digest.layers[layer]
    meaning = tag("span", layer.meaning, class_="soft small")
    return tag(
        "tr",
        tag("th", layer.value.capitalize(), tag("br"), meaning, scope="row"),
        tag("td", cell(score.value), class_="num"),
        tag("td", charts.bar(score.value), class_="barcell"),
        count_cells(digest.layer_counts[layer]),
    )


def namespaces(digest: Digest) -> Markup:
    """The score of each namespace in each layer."""
    shown = digest.namespaces[:MAX_NAMESPACES]
    heads = [("Namespace", False), ("Score", True)]
    heads += [(layer.value.capitalize(), True) for layer in Layer]
    heads += [("Errors", True), ("Warnings", True), ("Info", True)]
    if digest.audit is not None:
        heads += [("Workloads", True), ("GPU-hours a day", True)]
    rows = [_namespace(digest, row) for row in shown]
    caption = "Those that lose the most points first; – where nothing of the layer was judged"
    return card(
        "namespaces",
        "Score per namespace",
        table(caption, heads, rows, "Score per namespace"),
        left_out(len(digest.namespaces), len(shown), "namespace"),
    )


def _namespace(digest: Digest, row: NamespaceRow) -> Markup:
    audited = digest.audit is not None
    workloads = "–" if row.workloads is None else number(row.workloads)
    return tag(
        "tr",
        tag("th", namespace_name(row.name), scope="row"),
        tag("td", cell(row.score.value), class_="num"),
        *(tag("td", cell(row.layers[layer].value), class_="num") for layer in Layer),
        count_cells(row.counts),
        tag("td", workloads, class_="num") if audited else None,
        tag("td", gpu_hours(row.gpus), class_="num") if audited else None,
    )
