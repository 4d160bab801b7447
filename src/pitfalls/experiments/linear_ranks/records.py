"""What is asked, and what was found."""

from dataclasses import dataclass, field
from math import sqrt
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from pitfalls.errors import InputError
from pitfalls.experiments.linear_source import Problem, ProblemConfig, find_problem
from pitfalls.experiments.linear_verdict import Judged
from pitfalls.experiments.sizes import MOST_LAYERS
from pitfalls.frame import Located, Result

__all__ = ["RankFit", "RanksConfig", "RanksResult"]


@dataclass(frozen=True)
class RanksConfig:
    """Networks whose hidden width grows: d-r-...-r-p, trained by gradient descent on white inputs.

    Parameters
    ----------
    problem : Problem
        The data.
    max_rank : int
        Hidden widths from 1 up to this.
    n_layers : int
        Layers of each network.
    strength : float
        Of the layers at the start, in units of the strongest mode's share.
    steps : int
        At most so many, for each rank.
    seed : int
        Of the starts.
    """

    problem: Annotated[Problem, Located(ProblemConfig, find_problem)] = field(
        default_factory=Problem
    )
    max_rank: int = 9
    n_layers: int = 3
    strength: float = 0.1
    steps: int = 200_000
    seed: int = 123

    def __post_init__(self) -> None:
        for name, least in (("max_rank", 1), ("n_layers", 2), ("steps", 1)):
            if getattr(self, name) < least:
                raise InputError(
                    f"RanksConfig: {name} must be at least {least}. Got {getattr(self, name)}."
                )
        if self.n_layers > MOST_LAYERS:
            raise InputError(
                f"RanksConfig: n_layers must be at most {MOST_LAYERS}. Got {self.n_layers}."
            )
        if not 0 < self.strength < np.inf:
            raise InputError(f"RanksConfig: strength must be positive. Got {self.strength}.")


@dataclass(frozen=True)
class RankFit:
    """The descent of one rank.

    Attributes
    ----------
    rank, steps : int
    stopped : str
    risk, minimum : float
        Where it ended, and the least of the rank.
    relative_excess : float
        What is left above the least, over all that there is to gain.
    point : Judged
    train_accuracy, test_accuracy : float or None
        Of the map that descent found, on pictures.
    """

    rank: int
    steps: int
    stopped: str
    risk: float
    minimum: float
    relative_excess: float
    point: Judged
    train_accuracy: float | None = None
    test_accuracy: float | None = None

    @property
    def found(self) -> bool:
        """Whether it ended at a global minimum."""
        return self.point.verdict == "global minimum"


@dataclass(frozen=True, repr=False)
class RanksResult(Result):
    """The descents of every rank.

    Attributes
    ----------
    data : str
    pictures : bool
    n : int
    n_test : int or None
    n_features, n_outputs, n_layers, rank_x, rank_yx : int
    modes : array
    floor, risk_of_zero : float
    rows : tuple of RankFit
    """

    TABLE = "rows"

    data: str
    pictures: bool
    n: int
    n_test: int | None
    n_features: int
    n_outputs: int
    n_layers: int
    rank_x: int
    rank_yx: int
    modes: NDArray[np.float64]
    floor: float
    risk_of_zero: float
    rows: tuple[RankFit, ...]

    @property
    def n_found(self) -> int:
        """Descents that ended at a global minimum."""
        return sum(row.found for row in self.rows)

    @property
    def missed(self) -> tuple[RankFit, ...]:
        """The others."""
        return tuple(row for row in self.rows if not row.found)

    @property
    def last_gain(self) -> tuple[float, float] | None:
        """What the last rank adds to the test accuracy, and the standard error of that.

        Both accuracies come from the same pictures, so their errors are as a rule alike, and the
        error of two independent ones, which is taken here, is on the safe side. None without two
        accuracies.
        """
        if len(self.rows) < 2 or not self.n_test:
            return None
        before, after = (row.test_accuracy for row in self.rows[-2:])
        if before is None or after is None:
            return None
        variance = (before * (1 - before) + after * (1 - after)) / self.n_test
        return after - before, sqrt(variance)
