"""What the report says of one descent."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.linear_descend.records import DescendResult
from pitfalls.prose import Basis, Block, Markup, Paragraph, Picture, number, say

__all__ = ["account", "balance", "basis", "charts", "closed_form", "end"]


def account(result: DescendResult) -> tuple[Block, ...]:
    """Return how it went, and the modes over time."""
    return (Paragraph(closed_form(result) + balance(result) + end(result)), Picture("modes"))


def closed_form(result: DescendResult) -> Markup:
    """Compare the modes with their closed form; needs a start for which there is one."""
    if result.gap is None:
        return ()
    return say(
        "From a small start along the modes each singular value grows on its own, in a closed form; "
        "integrated numerically the {what} stays within {gap} of it. ",
        what="flow" if result.method == "flow" else "descent", gap=number(result.gap, 2),
    )  # fmt: skip


def balance(result: DescendResult) -> Markup:
    """Give the drift of what the exact flow conserves."""
    return say(
        "The balance between layers, which the exact flow conserves, drifts by {drift}. ",
        drift=number(result.drift, 2),
    )


def end(result: DescendResult) -> Markup:
    """Say where it ended."""
    return say(
        "It ends at {where}, {excess} above the least risk. ",
        where=result.end.named, excess=number(max(result.end.excess, 0.0), 2),
    )  # fmt: skip


def basis(result: DescendResult) -> Basis:
    """Say that it is one descent."""
    what = "flow" if result.method == "flow" else "descent"
    return Basis(n=f"1 {what}", spread="none, one start", data=result.data)


def charts(result: DescendResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}
