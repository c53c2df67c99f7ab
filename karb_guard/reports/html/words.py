"""Small pieces that several sections of the page share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from karb_guard.model.finding import ObjectRef, Severity
from karb_guard.model.report import counted
from karb_guard.reports.figures import Counts, Digest, Gpus
from karb_guard.reports.html.charts import grade
from karb_guard.reports.html.markup import Markup, join, short, tag

TEXT = 400
"""Characters of a message, a reason or a remedy that are shown; the json has all."""
NAME = 120
"""Characters of a name that are shown."""
CLUSTER_SCOPED = "(cluster-scoped)"


def namespace_name(name: str) -> str:
    """A namespace's name; of the empty one what it stands for."""
    return short(name, NAME) or CLUSTER_SCOPED


def object_name(ref: ObjectRef) -> str:
    """``Kind namespace/name``."""
    return short(str(ref), 2 * NAME)


def number(value: int) -> str:
    """``12,345``."""
    return f"{value:,}"


def money(amount: Decimal, currency: str) -> str:
    """``1,234 EUR``; cents where there is nothing else."""
    shown = f"{amount:,.2f}" if 0 < amount < 10 else f"{amount:,.0f}"
    return f"{shown} {currency}".rstrip()


def cost(gpus: Gpus, digest: Digest) -> str:
    """What a day of the GPUs costs; empty without a price table."""
    if digest.prices is None or not gpus.priced:
        return ""
    return f"{money(gpus.per_day, digest.prices.currency)} a day"


def gpu_hours(gpus: Gpus) -> str:
    """``96``, and nothing where there are none."""
    return number(gpus.hours) if gpus.total else "–"


def badge(severity: Severity) -> Markup:
    """The severity as a word in its colour."""
    return tag("span", severity.value, class_=f"badge {severity.value}")


def cell(value: int | None) -> Markup:
    """A score in a table."""
    shown = "–" if value is None else value
    return tag("span", shown, class_=f"cell {grade(value)}")


def count_cells(counts: Counts) -> Markup:
    """Three cells: errors, warnings, infos."""
    return join(tag("td", number(count) if count else "–", class_="num") for count in counts)


def table(
    caption: str, heads: Iterable[tuple[str, bool | None]], rows: Sequence[Markup], label: str
) -> Markup:
    """A table in a frame that scrolls sideways, by keyboard too.

    Heads: (text, whether it is a number); ``None`` is a chart, which small screens leave out.
    """
    classes = {True: "num", False: None, None: "barcell"}
    head = join(tag("th", text, scope="col", class_=classes[kind]) for text, kind in heads)
    return tag(
        "div",
        tag(
            "table",
            tag("caption", tag("span", caption)),
            tag("thead", tag("tr", head)),
            tag("tbody", *rows),
        ),
        class_="scroll",
        role="group",
        aria_label=label,
        tabindex=0,
    )


def left_out(total: int, shown: int, word: str, plural: str = "") -> Markup | None:
    """How much the page leaves out, and where it is; nothing where all is shown."""
    if total <= shown:
        return None
    rest = counted(total - shown, word, plural)
    text = f"{rest} more not shown here, to keep this page small; --format csv or json has all."
    return tag("p", text, class_="soft small")


def card(anchor: str, title: str, *children: Markup | str | None) -> Markup:
    """A section of the page with its heading."""
    heading = tag("h2", title, id=f"{anchor}-title")
    return tag(
        "section",
        heading,
        *children,
        class_="card",
        id=anchor,
        aria_labelledby=f"{anchor}-title",
    )
