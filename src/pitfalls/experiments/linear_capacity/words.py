"""What the report says of one target: its figure alone."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.linear_capacity.records import CapacityResult
from pitfalls.prose import Basis, Block, Picture

__all__ = ["account", "basis", "charts"]


def account(result: CapacityResult) -> tuple[Block, ...]:
    """Return the figure."""
    return (Picture("capacity"),)


def basis(result: CapacityResult) -> Basis:
    """Say that it is one target."""
    return Basis(n="1 target", spread="none, one target", data="random target")


def charts(result: CapacityResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}
