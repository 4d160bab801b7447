"""What is said of one point."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.linear_classify.records import ClassifyResult
from pitfalls.prose import Basis, Block, Picture

__all__ = ["account", "basis", "charts"]


def account(result: ClassifyResult) -> tuple[Block, ...]:
    """Return the figure."""
    return (Picture("risk-along-the-witness"),)


def basis(result: ClassifyResult) -> Basis:
    """Say that it is one point."""
    return Basis(n="1 point", spread="none, one point", data=result.data)


def charts(result: ClassifyResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}
