"""What is asked, and what was found."""

from dataclasses import dataclass, field
from math import log10
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from pitfalls.errors import InputError
from pitfalls.experiments.linear_source import Problem, ProblemConfig, find_problem
from pitfalls.frame import Located, Result
from pitfalls.prose import counted

__all__ = ["LeastRisk", "MinimumConfig", "MinimumResult"]


@dataclass(frozen=True)
class MinimumConfig:
    """The least risk by rank of a data set.

    Parameters
    ----------
    problem : Problem
        The data.
    max_rank : int
        The highest rank, a network's narrowest width (default: no bound).
    """

    problem: Annotated[Problem, Located(ProblemConfig, find_problem)] = field(
        default_factory=Problem
    )
    max_rank: int | None = None

    def __post_init__(self) -> None:
        if self.max_rank is not None and self.max_rank < 0:
            raise InputError(f"MinimumConfig: max_rank must be at least 0. Got {self.max_rank}.")


@dataclass(frozen=True)
class LeastRisk:
    """The least risk of one rank, and whether one map alone has it on the data."""

    rank: int
    risk: float
    unique: bool


@dataclass(frozen=True, repr=False)
class MinimumResult(Result):
    """Reduced-rank regression for every rank.

    Attributes
    ----------
    data : str
    n, n_features, n_outputs : int
    rank_x, rank_yx : int
    modes : array
        s_1 >= s_2 >= ...
    floor, floor_rounding : float
        What least squares leaves, and how far off that may be.
    rows : tuple of LeastRisk
        From rank 0 on.
    map : array of shape (p, d)
        The best of the highest rank.
    """

    TABLE = "rows"

    data: str
    n: int
    n_features: int
    n_outputs: int
    rank_x: int
    rank_yx: int
    modes: NDArray[np.float64]
    floor: float
    floor_rounding: float
    rows: tuple[LeastRisk, ...]
    map: NDArray[np.float64]

    @property
    def left(self) -> str:
        """What least squares leaves, with no more digits than it has."""
        if self.floor <= self.floor_rounding:
            return f"nothing above rounding ({self.floor_rounding:.0e})"
        digits = 16 if not self.floor_rounding else int(log10(self.floor / self.floor_rounding))
        if digits >= 4:
            return f"{self.floor:.4g}"
        return f"{self.floor:.{max(digits, 1)}g} (known to {counted(digits, 'digit')})"
