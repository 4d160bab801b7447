"""What is asked, and what was found."""

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from pitfalls.errors import InputError
from pitfalls.experiments.linear_source import Problem, ProblemConfig, find_problem
from pitfalls.experiments.linear_verdict import Judged
from pitfalls.frame import Located, Result

__all__ = ["LandscapeConfig", "LandscapeResult"]

MOST_POINTS = 1_001
"""A side: a million risks, seconds to compute and more than a page shows."""


@dataclass(frozen=True)
class LandscapeConfig:
    """The line down from a strict saddle, and the plane through it and a global minimum.

    Parameters
    ----------
    problem : Problem
        The data.
    widths : tuple of int
        Layer widths, input first (default: three layers).
    held : tuple of int
        The modes that the saddle holds, counted from 1.
    grid : int
        Points a side of the plane.
    seed : int
        Of the points.
    """

    problem: Annotated[Problem, Located(ProblemConfig, find_problem)] = field(
        default_factory=Problem
    )
    widths: tuple[int, ...] | None = None
    held: tuple[int, ...] = (2,)
    grid: int = 61
    seed: int = 123

    def __post_init__(self) -> None:
        if not 3 <= self.grid <= MOST_POINTS:
            raise InputError(
                f"LandscapeConfig: grid must be 3 to {MOST_POINTS:,} points a side. Got {self.grid}."
            )


@dataclass(frozen=True, repr=False)
class LandscapeResult(Result):
    """A saddle and a minimum with the risk between and around them.

    Attributes
    ----------
    data : str
    widths : tuple of int
    saddle, minimum : Judged
        The saddle stands at the plane's origin, the minimum at (span, 0).
    curvature : float
        Along the escape direction.
    span : float
        Distance from the saddle to the minimum.
    a, b : array
        Distances on the plane: towards the minimum, across.
    risk : array of shape (len(b), len(a))
    lengths, line : array of shape (t,)
        The risk along the escape direction.
    path : array of shape (s, 2)
        The escape direction on the plane.
    path_risk : array of shape (s,)
    """

    TABLE = ("lengths", "line")

    data: str
    widths: tuple[int, ...]
    saddle: Judged
    minimum: Judged
    curvature: float
    span: float
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    risk: NDArray[np.float64]
    lengths: NDArray[np.float64]
    line: NDArray[np.float64]
    path: NDArray[np.float64]
    path_risk: NDArray[np.float64]

    @property
    def falls_on_both_sides(self) -> bool:
        """Whether the risk falls both ways along the escape direction."""
        sides = (self.lengths < 0, self.lengths > 0)
        return all(bool((self.line[side] < self.saddle.risk).any()) for side in sides)
