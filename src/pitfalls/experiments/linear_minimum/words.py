"""What is said of the least risks: the figure alone."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.linear_minimum.records import MinimumResult
from pitfalls.prose import Basis, Block, Picture, counted

__all__ = ["account", "basis", "charts"]


def account(result: MinimumResult) -> tuple[Block, ...]:
    """Return the figure."""
    return (Picture("minimum-by-rank"),)


def basis(result: MinimumResult) -> Basis:
    """Say how many rows the data have."""
    return Basis(n=counted(result.n, "row"), spread="none, a closed form", data=result.data)


def charts(result: MinimumResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}
