"""What is said of a learning-rate range test."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.image_range.records import RangeResult
from pitfalls.prose import Basis, Block, Markup, Paragraph, Picture, counted, number, say

__all__ = ["account", "basis", "charts", "recommended"]


def account(result: RangeResult) -> tuple[Block, ...]:
    """Return what the range shows, and the curve."""
    return (Paragraph(recommended(result)), Picture("lr-range"))


def recommended(result: RangeResult) -> Markup:
    """Say where the loss falls fastest, or why the range recommends no rate."""
    tried = say(
        "In a range test of {network} on {data} ({steps}, rates from {start} to {stop}) ",
        network=result.network.title, data=result.pictures.name,
        steps=counted(len(result.rates), "step"), start=number(float(result.rates[0]), 2),
        stop=number(float(result.rates[-1]), 2),
    )  # fmt: skip
    if result.steepest is None or result.lowest is None:
        return tried + say("there is no rate to recommend: {why}. ", why=result.undecided)
    return tried + say(
        "the loss falls fastest at {steepest}, a peak rate to try, and is lowest at {lowest}; "
        "{beyond}. ",
        steepest=number(result.steepest, 2), lowest=number(result.lowest, 2),
        beyond="beyond it bursts" if result.diverged else "it did not burst in this range",
    )  # fmt: skip


def basis(result: RangeResult) -> Basis:
    """Say that it is one pass over the rates."""
    return Basis(
        n="1 range test, one step a rate",
        spread="none, one start",
        data=result.pictures.name,
    )


def charts(result: RangeResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}
