"""What is asked, and what was found."""

from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from pitfalls.display import Displayed
from pitfalls.errors import InputError
from pitfalls.experiments.linear_source import Problem, ProblemConfig, find_problem
from pitfalls.experiments.sizes import MOST_LAYERS
from pitfalls.frame import Located, Result

__all__ = ["NEAR", "Flow", "TourConfig", "TourResult", "Visit", "rotation"]

NEAR = 0.1
"""A map is near a critical one if closer than this share of the strongest mode."""


@dataclass(frozen=True)
class TourConfig:
    """Gradient flow from tiny balanced weights, for several depths: from saddle to saddle.

    Parameters
    ----------
    problem : Problem
        The data.
    depths : tuple of int
        Numbers of layers to compare.
    strength : float
        Every singular value of the map to start from.
    seed : int
        Of the start.
    """

    problem: Annotated[Problem, Located(ProblemConfig, find_problem)] = field(
        default_factory=Problem
    )
    depths: tuple[int, ...] = (2, 3, 4)
    strength: float = 0.005
    seed: int = 123

    def __post_init__(self) -> None:
        fits = all(2 <= depth <= MOST_LAYERS for depth in self.depths)
        if not self.depths or not fits or len(set(self.depths)) < len(self.depths):
            raise InputError(
                f"TourConfig: depths must be at least 2 and at most {MOST_LAYERS} layers and differ. "
                f"Got {self.depths}."
            )
        if not 0 < self.strength < np.inf:
            raise InputError(f"TourConfig: strength must be positive. Got {self.strength}.")


@dataclass(frozen=True)
class Visit:
    """The nearest approach of a flow to the best map of one rank, where no other is nearer.

    Attributes
    ----------
    rank : int
    distance, time : float
    share_of_time : float
        Of the records, for how many this was the nearest critical map.
    level : float
        The risk there, above the least.
    verdict : str
    """

    rank: int
    distance: float
    time: float
    share_of_time: float
    level: float
    verdict: str


@dataclass(frozen=True, repr=False)
class Flow(Displayed):
    """One flow; arrays of one value a record.

    Attributes
    ----------
    depth : int
        Number of layers.
    visits : tuple of Visit
    time, excess, saddle_distance : array of shape (t,)
    saddle_rank : array of int of shape (t,)
    """

    depth: int
    visits: tuple[Visit, ...]
    time: NDArray[np.float64]
    excess: NDArray[np.float64]
    saddle_distance: NDArray[np.float64]
    saddle_rank: NDArray[np.int64]


@dataclass(frozen=True, repr=False)
class TourResult(Result):
    """The flows of every depth.

    Attributes
    ----------
    data : str
    modes : array of shape (r,)
    levels : tuple of float
        The risk of the best map of rank 0, ..., r, above the least.
    strength : float
    flows : tuple of Flow
        In the order of the depths asked.
    """

    TABLE = "flows"

    data: str
    modes: NDArray[np.float64]
    levels: tuple[float, ...]
    strength: float
    flows: tuple[Flow, ...]

    @property
    def near(self) -> float:
        """The distance below which a map counts as near a critical one."""
        return NEAR * float(self.modes[0])

    @property
    def n_between(self) -> int:
        """Saddles between zero and the global minimum."""
        return max(0, len(self.levels) - 2)

    def between(self, flow: Flow) -> tuple[Visit, ...]:
        """Return the visits to saddles between zero and the minimum: every flow is near those two."""
        return tuple(v for v in flow.visits if 0 < v.rank < len(self.levels) - 1)

    def passed(self, flow: Flow) -> tuple[Visit, ...]:
        """Return those of them that the flow came near."""
        return tuple(v for v in self.between(flow) if v.distance < self.near)

    def begins_near_zero(self, flow: Flow) -> bool:
        """Whether the flow's first map is near zero."""
        return bool(flow.saddle_rank[0] == 0 and flow.saddle_distance[0] < self.near)

    def leaves_zero(self, flow: Flow) -> float | None:
        """Return the first time at which the flow is no longer near zero; None if never, or never near."""
        if not self.begins_near_zero(flow):
            return None
        return _first(flow.time, (flow.saddle_rank != 0) | (flow.saddle_distance >= self.near))

    def arrives(self, flow: Flow) -> float | None:
        """Return the first time at which the flow is near the minimum; None if never."""
        last = len(self.levels) - 1
        return _first(flow.time, (flow.saddle_rank == last) & (flow.saddle_distance < self.near))

    @property
    def by_depth(self) -> tuple[Flow, ...]:
        """The flows, shallowest first."""
        return tuple(sorted(self.flows, key=lambda flow: flow.depth))

    @property
    def longer_near_zero_with_depth(self) -> bool:
        """Whether each deeper network of the tour stayed near zero longer."""
        times = [self.leaves_zero(flow) for flow in self.by_depth]
        known = [at for at in times if at is not None]
        return len(known) == len(times) > 1 and all(a < b for a, b in pairwise(known))

    @property
    def deeper_passes_closer(self) -> bool:
        """Whether every saddle was passed closer by each deeper network of the tour."""
        distances = [{v.rank: v.distance for v in self.between(flow)} for flow in self.by_depth]
        return (
            self.n_between > 0
            and len(distances) > 1
            and all(
                deep.get(rank, inf) < shallow.get(rank, inf)
                for shallow, deep in pairwise(distances)
                for rank in range(1, self.n_between + 1)
            )
        )


def _first(time: NDArray[np.float64], holds: NDArray[np.bool_]) -> float | None:
    return float(time[int(holds.argmax())]) if holds.any() else None


def rotation(n: int, seed: int) -> NDArray[np.float64]:
    """Draw a rotation of n modes, of determinant 1."""
    turn, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))
    if np.linalg.det(turn) < 0:
        turn[0] = -turn[0]
    return np.asarray(turn)
