"""What the cards say of the labs' own networks."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pitfalls.experiments.diagnosis_labs.records import LabsResult
from pitfalls.prose import Basis, Block, Markup, Paragraph, Table, counted, number, say, table

__all__ = ["account", "basis", "cards", "charts", "witnesses"]


def account(result: LabsResult) -> tuple[Block, ...]:
    """Return the table of cards, and what became of their witnesses."""
    return (cards(result), Paragraph(witnesses(result)))


def cards(result: LabsResult) -> Table:
    """Return one row a card, the lab's exact number beside the card's where there is one."""
    return table(
        ("Network", "Question", "Verdict", "Measured", "Value", "Exact", "n"),
        [
            (
                card.network, card.question, card.verdict, card.what, _value(card.number),
                _value(card.exact), card.n,
            )
            for card in result.cards
        ],
        say(
            "What `pitfalls.diagnose` says of these networks, which it is told nothing about; beside "
            "it the labs' own exact value where there is one."
        ),
        words=(0, 1, 2, 3),
    )  # fmt: skip


def witnesses(result: LabsResult) -> Markup:
    """Say how many witnesses held when they were recomputed."""
    held = [card.held for card in result.cards if card.held is not None]
    if not held:
        return ()
    said = say(
        "Recomputed from network, loss and data alone, {held} of {n} held. ",
        held=sum(held), n=counted(len(held), "witness", "witnesses"),
    )  # fmt: skip
    unseen = [c.network for c in result.cards if c.verdict == "labels not seen"]
    if not unseen:
        return said
    return said + say(
        "That labels are not seen does not tell a parity from noise: the two look alike to it. "
    )


def _value(value: float) -> str:
    return number(value, 3) if np.isfinite(value) else ""


def basis(result: LabsResult) -> Basis:
    """Say how many cards there are."""
    return Basis(
        n=f"{counted(len(result.cards), 'network')}; each card says its own n",
        spread="none: one network each",
    )


def charts(result: LabsResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}
