"""How the figures are made."""

from __future__ import annotations

from karb_guard.reports.figures import Digest
from karb_guard.reports.html.markup import Markup, tag
from karb_guard.reports.html.words import card
from karb_guard.reports.score import FORMULA


def section(digest: Digest) -> Markup:
    """How the figures are made."""
    parts = [
        tag("p", FORMULA, class_="formula"),
        tag(
            "p",
            "An object is a topmost owner, or what nothing owns. A layer's score counts the "
            "objects of kinds that its invariants ask something of, and their findings of that "
            "layer alone. Waived findings take nothing; what could not be read or decided is not "
            "in the score. Colours: from 90 green, from 70 amber, below red.",
        ),
    ]
    if digest.audit is not None:
        parts.append(
            tag(
                "p",
                "GPU-hours a day are whole GPUs, all replicas together, of owners with open "
                "findings × 24. They are hours to look at, not hours lost. Money comes from your "
                "price table alone (--prices).",
            )
        )
    return card("method", "How the figures are made", *parts)
