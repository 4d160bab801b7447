"""What is asked, and what was found."""

from dataclasses import dataclass, field
from typing import Annotated, Literal, get_args

import numpy as np
from cyclopts import Parameter
from numpy.typing import NDArray

from pitfalls.display import Displayed
from pitfalls.errors import InputError
from pitfalls.experiments.sizes import refuse_seeds
from pitfalls.frame import Result, Without
from pitfalls.parity import LEARNED, LearningConfig
from pitfalls.prose import power

__all__ = ["Activation", "DepthConfig", "DepthResult", "DepthStart", "TrainedDepth"]

Activation = Literal["sigmoid", "tanh", "relu"]
MOST_PROBED = 4096
"""Inputs over which gradients are measured: all of them to d = 12, else so many random ones."""


@dataclass(frozen=True)
class DepthConfig:
    """Deep networks on parity.

    Parameters
    ----------
    n_features : int
        d.
    weight : int
        Ones of the masks.
    width : int
        Units of every hidden layer.
    depths : tuple of int
        Hidden layers, one number for each network that is trained.
    shown : int
        Hidden layers of the networks whose gradients are shown layer by layer at the start.
    activations : tuple of {"sigmoid", "tanh", "relu"}
        One or more.
    n_seeds : int
        Trainings of each kind.
    training : LearningConfig
        How to train.
    """

    n_features: Annotated[int, Parameter(alias="-d")] = 5
    weight: int = 3
    width: int = 50
    depths: tuple[int, ...] = (1, 2, 4)
    shown: int = 8
    activations: tuple[Activation, ...] = ("sigmoid", "relu")
    n_seeds: int = 3
    training: Annotated[LearningConfig, Without("n_hidden")] = field(
        default_factory=lambda: LearningConfig(
            n_iterations=3_000, learning_rate=0.1, record_every=50
        )
    )

    def __post_init__(self) -> None:
        known = get_args(Activation)
        if not self.activations or set(self.activations) - set(known):
            raise InputError(
                f"DepthConfig: activations must be of {', '.join(known)}. "
                f"Got {', '.join(map(str, self.activations)) or 'none'}."
            )
        if len(set(self.activations)) < len(self.activations):
            raise InputError("DepthConfig: activations must differ. Name each once.")
        if not self.depths or min(*self.depths, self.shown, self.width, self.n_features) < 1:
            raise InputError(
                "DepthConfig: n_features, depths, width and shown must be at least 1. "
                f"Got {self.n_features}, {self.depths}, {self.width}, {self.shown}."
            )
        refuse_seeds("DepthConfig", self.n_seeds)
        if len(set(self.depths)) < len(self.depths):
            raise InputError("DepthConfig: depths must differ. Name each once.")
        if not 0 <= self.weight <= self.n_features:
            raise InputError(
                f"DepthConfig: weight must be from 0 to {self.n_features}. Got {self.weight}."
            )


@dataclass(frozen=True, repr=False)
class DepthStart(Displayed):
    """Networks of one activation before training; arrays of shape (n, layers), the output last.

    Attributes
    ----------
    activation : str
    gradient_norm : array
        ||dR/dW_l||_F.
    message_norm, message_bound : array
        Root mean square of the message that comes back, and its bound by spectral norms.
    """

    activation: Activation
    gradient_norm: NDArray[np.float64]
    message_norm: NDArray[np.float64]
    message_bound: NDArray[np.float64]

    @property
    def factor_a_layer(self) -> float | None:
        """By what one hidden layer multiplies the message: geometric mean; None for one layer.

        Where it does not reach the first layer of some network, as behind units that are all dead, 0.
        """
        return _a_layer(self.message_norm)

    @property
    def bound_a_layer(self) -> float | None:
        """The most that one hidden layer may multiply by: geometric mean; None for one layer."""
        return _a_layer(self.message_bound)

    @property
    def first_over_last(self) -> float:
        """The first layer's gradient over the last's, the median over the networks."""
        first, last = self.gradient_norm[:, 0], self.gradient_norm[:, -1]
        ratio = np.divide(first, last, out=np.zeros_like(first), where=first > 0)
        return float(np.median(ratio))


def _a_layer(norms: NDArray[np.float64]) -> float | None:
    """Geometric mean over networks and hidden layers of what a layer multiplies by on the way back."""
    hidden = norms[:, :-1]  # the last step passes the output layer, which has no activation
    if hidden.shape[1] < 2:
        return None
    first, last = hidden[:, 0], hidden[:, -1]
    if (first == 0).any():
        return 0.0
    return float(np.exp(np.log(first / last).mean() / (hidden.shape[1] - 1)))


@dataclass(frozen=True, repr=False)
class TrainedDepth(Displayed):
    """All trainings of one activation and depth.

    Attributes
    ----------
    activation : str
    depth : int
        Hidden layers.
    step : array of int of shape (records,)
    loss, accuracy : array of shape (n, records)
        Means over the batches since the record before.
    first_gradient : array of shape (n, records + 1)
        ||dR/dW_1||_F at the start and at every record.
    final_accuracy, final_risk : array of shape (n,)
        Of the last networks.
    """

    activation: Activation
    depth: int
    step: NDArray[np.int64]
    loss: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    first_gradient: NDArray[np.float64]
    final_accuracy: NDArray[np.float64]
    final_risk: NDArray[np.float64]

    @property
    def n(self) -> int:
        """Number of trainings."""
        return len(self.final_accuracy)

    @property
    def n_learned(self) -> int:
        """Trainings whose last network is at least 99 % accurate."""
        return int(np.sum(self.final_accuracy >= LEARNED))

    @property
    def median_accuracy(self) -> float:
        """The median accuracy of the last networks."""
        return float(np.median(self.final_accuracy))

    @property
    def reached(self) -> tuple[int, ...]:
        """First records with 99 % test accuracy, of the trainings that got there."""
        hits = [np.flatnonzero(row >= LEARNED) for row in self.accuracy]
        return tuple(int(self.step[at[0]]) for at in hits if at.size)

    @property
    def gradient_at_start(self) -> float:
        """The first layer's gradient at the start, the median over the trainings."""
        return float(np.median(self.first_gradient[:, 0]))

    @property
    def gradient_at_most(self) -> float:
        """The largest on the way, the median over the trainings."""
        return float(np.median(np.nanmax(self.first_gradient, axis=1)))


@dataclass(frozen=True, repr=False)
class DepthResult(Result):
    """What each depth and activation learned.

    Attributes
    ----------
    starts : tuple of DepthStart
    trained : tuple of TrainedDepth
    n_features, weight, width, shown, n_seeds, n_iterations : int
    learning_rate : float
    """

    TABLE = "trained"

    starts: tuple[DepthStart, ...]
    trained: tuple[TrainedDepth, ...]
    n_features: int
    weight: int
    width: int
    shown: int
    n_seeds: int
    n_iterations: int
    learning_rate: float

    @property
    def inputs(self) -> str:
        """The inputs that gradients are means over, in words."""
        if 1 << self.n_features <= MOST_PROBED:
            return f"all {power(2, self.n_features)} inputs"
        return f"{MOST_PROBED:,} random inputs"

    def of(self, activation: str) -> tuple[TrainedDepth, ...]:
        """Return the trainings of one activation."""
        return tuple(cell for cell in self.trained if cell.activation == activation)
