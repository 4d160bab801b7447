"""Sizes that experiments are asked for."""

from pitfalls.errors import InputError

__all__ = ["MOST_LAYERS", "refuse_cases", "refuse_seeds", "refuse_sizes"]

MOST_LAYERS = 100
"""Of a linear network that is trained: the homework asks for three."""
MOST_SEEDS = 100_000
MOST_UNITS = 10_000_000
"""Hidden units, or inputs of one table."""


def refuse_sizes(who: str, dimensions: tuple[int, ...], *counts: int) -> None:
    """Raise InputError unless every dimension, width and number of inputs is 1 to ten million."""
    if not dimensions or min(dimensions) < 1 or any(count < 1 for count in counts):
        raise InputError(
            f"{who}: dimensions, widths and numbers of inputs must be at least 1. Got dimensions "
            f"{dimensions}" + (f" and {', '.join(map(str, counts))}." if counts else ".")
        )
    if max((*dimensions, *counts)) > MOST_UNITS:
        raise InputError(
            f"{who}: dimensions, widths and numbers of inputs must be at most {MOST_UNITS:,}. "
            f"Got {max((*dimensions, *counts)):,}."
        )


def refuse_seeds(who: str, n_seeds: int) -> None:
    """Raise InputError unless there are 1 to 100,000 of them: each is a training or a network."""
    if not 1 <= n_seeds <= MOST_SEEDS:
        raise InputError(
            f"{who}: n_seeds must be at least 1 and at most {MOST_SEEDS:,}. Got {n_seeds:,}."
        )


def refuse_cases(who: str, cases: tuple[tuple[int, int | None], ...]) -> None:
    """Raise InputError unless every case is a d >= 1 with a weight from 0 to d, or none."""
    if not cases:
        raise InputError(f"{who}: cases must name at least one (d, weight). Got none.")
    for d, weight in cases:
        if d < 1 or not (weight is None or 0 <= weight <= d):
            raise InputError(
                f"{who}: a case must be d >= 1 and a weight from 0 to d. Got d = {d}, "
                f"weight = {weight}."
            )
