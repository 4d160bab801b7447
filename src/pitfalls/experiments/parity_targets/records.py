"""What is asked, and what was found."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from cyclopts import Parameter
from numpy.typing import NDArray

from pitfalls.experiments.sizes import refuse_seeds, refuse_sizes
from pitfalls.frame import Result

__all__ = ["QUANTILES", "TargetsConfig", "TargetsResult", "WeightRow"]

QUANTILES = (0.0, 0.05, 0.5, 0.95, 1.0)


@dataclass(frozen=True)
class TargetsConfig:
    """Networks whose gradients to compute for all 2^d targets.

    Parameters
    ----------
    n_features : int
        d, at most 26.
    width_factor : int
        Hidden units a feature: k = width_factor d.
    n_seeds : int
        Networks, at PyTorch's initialisation.
    loss : {"hinge", "square", "logistic"}
        Loss of the risk.
    seed : int
        Of the first network.
    """

    n_features: Annotated[int, Parameter(alias="-d")] = 12
    width_factor: int = 10
    n_seeds: int = 5
    loss: Literal["hinge", "square", "logistic"] = "hinge"
    seed: int = 123

    def __post_init__(self) -> None:
        refuse_sizes("TargetsConfig", (self.n_features,), self.width_factor)
        refuse_seeds("TargetsConfig", self.n_seeds)


@dataclass(frozen=True)
class WeightRow:
    """All masks of one Hamming weight: medians over the networks unless a name says otherwise.

    Attributes
    ----------
    weight, n_masks : int
        Ones of the mask, and how many masks have so many.
    mean, least, largest : float
        Of ||grad R_v - a||^2 over the masks; least and largest over all networks.
    over_signal, share : float
        The mean over that of all masks, and this weight's part of the sum over masks.
    """

    weight: int
    n_masks: int
    mean: float
    least: float
    largest: float
    over_signal: float
    share: float


@dataclass(frozen=True, repr=False)
class TargetsResult(Result):
    """How the gradient's words are shared out among the masks.

    Attributes
    ----------
    n_features, n_hidden, n : int
        d, k and the number of networks.
    signal : float
        E_v||grad R_v - a||^2, the median over the networks.
    rows : tuple of WeightRow
        One for every weight 0, ..., d; weight 0 is the constant label, no parity to learn.
    by_weight : array of shape (n, d + 1, 6)
        The mean over masks of each weight, then the quantiles 0, .05, .5, .95, 1.
    share : array of shape (n, d + 1)
        Each weight's part of the sum over masks.
    first : array of shape (2^d,), or None beyond d = 14
        ||grad R_v - a||^2 of every mask, of the first network.
    """

    TABLE = "rows"

    n_features: int
    n_hidden: int
    n: int
    signal: float
    rows: tuple[WeightRow, ...]
    by_weight: NDArray[np.float64]
    share: NDArray[np.float64]
    first: NDArray[np.float64] | None

    @property
    def parities(self) -> tuple[WeightRow, ...]:
        """The rows of weight at least 1."""
        return tuple(row for row in self.rows if row.weight > 0)

    @property
    def most(self) -> WeightRow:
        """The weight whose masks the gradient says most about."""
        return max(self.parities, key=lambda row: row.over_signal)

    @property
    def least(self) -> WeightRow:
        """The weight whose masks the gradient says least about."""
        return min(self.parities, key=lambda row: row.over_signal)
