"""What is asked, and what was found."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pitfalls.errors import InputError
from pitfalls.experiments.sizes import refuse_sizes
from pitfalls.frame import Result

__all__ = ["CapacityConfig", "CapacityResult"]


@dataclass(frozen=True)
class CapacityConfig:
    """A random target of a given rank, and the widths that should represent it.

    Parameters
    ----------
    widths : tuple of int
        Layer widths, input first.
    rank : int
        Rank of the map.
    seed : int
        Draws the map.
    """

    widths: tuple[int, ...] = (8, 6, 4, 6)
    rank: int = 4
    seed: int = 123

    def __post_init__(self) -> None:
        refuse_sizes("CapacityConfig", self.widths)
        if len(self.widths) < 2:
            raise InputError(
                f"CapacityConfig: widths must be two numbers at least. Got {self.widths} instead."
            )
        most = min(self.widths[0], self.widths[-1])
        if not 0 <= self.rank <= most:
            raise InputError(
                f"CapacityConfig: rank must be from 0 to {most} for a {self.widths[-1]} x "
                f"{self.widths[0]} target. Got {self.rank}."
            )


@dataclass(frozen=True, repr=False)
class CapacityResult(Result):
    """Whether a target fits through the narrowest layer, and how far off it is where not.

    Attributes
    ----------
    widths : tuple of int
    capacity, rank : int
        d*, and the numerical rank of the target.
    refusal : str or None
        Why it cannot be represented; then the layers are the nearest map's.
    relative_error, imbalance : float
        Of the layers' product, over the target's norm; largest difference of neighbours' balance.
    singular_values : array
        Of the target.
    distances : array
        Relative distance to the nearest map through a narrowest width of 1, 2, ...
    layers : tuple of array
        W_1, ..., W_L.
    """

    TABLE = ("singular_values",)

    widths: tuple[int, ...]
    capacity: int
    rank: int
    refusal: str | None
    relative_error: float
    imbalance: float
    singular_values: NDArray[np.float64]
    distances: NDArray[np.float64]
    layers: tuple[NDArray[np.float64], ...]

    @property
    def representable(self) -> bool:
        """Whether the target itself was represented."""
        return self.refusal is None
