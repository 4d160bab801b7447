"""What the report says of the targets."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.parity_targets.records import TargetsResult
from pitfalls.prose import Basis, Block, Markup, Paragraph, Picture, counted, number, power, say

__all__ = ["account", "basis", "charts", "extremes"]


def account(result: TargetsResult) -> tuple[Block, ...]:
    """Return whom the gradient speaks of, and the figure."""
    return (Paragraph(extremes(result)), Picture("signal-by-weight"))


def extremes(result: TargetsResult) -> Markup:
    """Name the weights with the most and the least; needs two weights that differ in digits shown."""
    most, least = number(result.most.over_signal, 2), number(result.least.over_signal, 2)
    if most == least:
        return ()
    return say(
        "The mean over masks hides who gets the signal: of all $2^{d}$ masks, one of weight "
        "$m = {high}$ gets {most} times the mean, one of weight $m = {low}$ {least} times. ",
        d=result.n_features, high=result.most.weight, most=most, low=result.least.weight,
        least=least,
    )  # fmt: skip


def basis(result: TargetsResult) -> Basis:
    """Say how many networks and targets stand behind the numbers."""
    return Basis(
        n=f"{counted(result.n, 'network')}, all {power(2, result.n_features)} targets of each",
        spread="median over the networks" if result.n > 1 else "none, one network",
    )


def charts(result: TargetsResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}
