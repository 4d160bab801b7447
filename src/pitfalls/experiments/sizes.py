"""Sizes that parity's experiments are asked for."""

from pitfalls.errors import InputError

__all__ = ["refuse_sizes"]


def refuse_sizes(who: str, dimensions: tuple[int, ...], *counts: int) -> None:
    """Raise InputError unless every dimension, width and number of seeds is at least 1."""
    if not dimensions or min(dimensions) < 1 or any(count < 1 for count in counts):
        raise InputError(
            f"{who}: dimensions, widths and numbers of seeds must be at least 1. Got dimensions "
            f"{dimensions}" + (f" and {', '.join(map(str, counts))}." if counts else ".")
        )
