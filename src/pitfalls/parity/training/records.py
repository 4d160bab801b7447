"""What parity training is told and what it hands back: config, curve, state and result."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from pitfalls.display import Displayed
from pitfalls.parity.network import TwoLayerReLU
from pitfalls.parity.risk_and_accuracy import RiskAndAccuracy
from pitfalls.parity.task import ParityTask
from pitfalls.parity.training import two_layer_kernel as kernel
from pitfalls.parity.training.config import LEARNED, LearningConfig

if TYPE_CHECKING:
    from pitfalls.plots import Axes

__all__ = [
    "LearningCurve",
    "LearningResult",
    "LearningState",
    "first_reached",
]

LOSSES = {"hinge": kernel.HINGE, "square": kernel.SQUARE, "logistic": kernel.LOGISTIC}
OPTIMIZERS = {"sgd": kernel.SGD, "adam": kernel.ADAM}


def first_reached(
    step: Int64[np.ndarray, " n"], accuracy: Float64[np.ndarray, " n"], level: float = LEARNED
) -> int | None:
    """Return the first step at which a recorded accuracy reaches a level, or None.

    Examples
    --------
    >>> first_reached(np.array([200, 400]), np.array([0.5, 0.995]))
    400
    """
    reached = np.flatnonzero(accuracy >= level)
    return int(step[reached[0]]) if reached.size else None


@dataclass(frozen=True, eq=False, repr=False)
class LearningCurve(Displayed):
    """What was seen on the way, one entry a record.

    Attributes
    ----------
    step : array of int64
        Iterations done.
    batch_loss : array of float64
        Loss of the last batch before ``step``, taken before its update: what a loop that prints
        its loss now and then shows.
    loss, train_accuracy : array of float64
        Means over all batches since the record before, on whatever is trained on.
    test_accuracy : array of float64
        Share of right answers on inputs as the task draws them. With fresh inputs in every batch
        that is what ``train_accuracy`` estimates, and the two are the same numbers. On a fixed set
        a network can know the set by heart: then this is measured at the record, on
        :func:`~pitfalls.parity.evaluation_inputs`.
    """

    step: Int64[np.ndarray, " records"]
    batch_loss: Float64[np.ndarray, " records"]
    loss: Float64[np.ndarray, " records"]
    train_accuracy: Float64[np.ndarray, " records"]
    test_accuracy: Float64[np.ndarray, " records"]

    TABLE = ("step", "batch_loss", "loss", "train_accuracy", "test_accuracy")

    def plot(self, ax: "Axes | None" = None) -> "list[Axes]":
        """Draw loss and accuracy against iterations and return the axes.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; its place is divided (default: a new figure).
        """
        from pitfalls.plots import draw_accuracies, draw_losses, drawing_on, thousands

        with drawing_on(ax, 2) as (left, right):
            draw_losses(left, self.step, self.batch_loss, self.loss)
            same = np.array_equal(self.train_accuracy, self.test_accuracy)
            draw_accuracies(
                right, self.step, self.test_accuracy, "on fresh inputs" if same else "on test inputs",
                None if same else self.train_accuracy,
            )  # fmt: skip
            right.legend(loc="lower right")
            thousands((left, right))
        return [left, right]

    def iterations_to(self, accuracy: float = LEARNED) -> int | None:
        """First recorded step with at least that test accuracy, or None."""
        return first_reached(self.step, self.test_accuracy, accuracy)


CURVE = tuple(entry.name for entry in fields(LearningCurve))
"""The columns of a curve, in order."""

_STATE = ("parameters", "momentum", "second")


@dataclass(frozen=True, eq=False, repr=False)
class LearningState(Displayed):
    """All that training needs to go on, bit for bit.

    The inputs of a step are a function of the seed and the step, so the step is the state of the
    random generator.

    Attributes
    ----------
    step : int
        Iterations done.
    parameters : Tensor of shape (P,)
        In the homework's order (:meth:`TwoLayerReLU.flat_parameters`).
    momentum, second : Tensor of shape (P,)
        The optimiser's moments; ``second`` is Adam's only.
    curve : LearningCurve
        The records up to here.
    """

    step: int
    parameters: Float[Tensor, " P"]
    momentum: Float[Tensor, " P"]
    second: Float[Tensor, " P"]
    curve: LearningCurve

    def network(self, n_features: int) -> TwoLayerReLU:
        """Build the network with these parameters."""
        n_hidden = (self.parameters.numel() - 1) // (n_features + 2)
        network = TwoLayerReLU(n_features, n_hidden, seed=0, dtype=self.parameters.dtype)
        return network.load_flat(self.parameters)

    def tensors(self) -> dict[str, Tensor]:
        """Return everything but ``step`` as named tensors, for a checkpoint."""
        own = {name: getattr(self, name) for name in _STATE}
        curve = {f"curve_{name}": torch.from_numpy(getattr(self.curve, name)) for name in CURVE}
        return {**own, **curve}

    @classmethod
    def from_tensors(cls, step: int, tensors: Mapping[str, Any]) -> "LearningState":
        """Undo :meth:`tensors`."""
        own = {name: torch.as_tensor(tensors[name]) for name in _STATE}
        curve = {name: np.asarray(tensors[f"curve_{name}"]) for name in CURVE}
        return cls(step=step, curve=LearningCurve(**curve), **own)


@dataclass(frozen=True, eq=False, repr=False)
class LearningResult(Displayed):
    """A trained network and how it came to be.

    Attributes
    ----------
    task, config
        As given.
    state : LearningState
        The last; hand it to :func:`train` with a larger ``n_iterations`` to go on.
    evaluation : RiskAndAccuracy
        Of the last network.
    network : TwoLayerReLU
        The last network.
    diverged : bool
        Whether training left the finite numbers: then ``state`` is the last finite one. Set by
        :func:`train_ensemble` only; :func:`train` raises.
    """

    task: ParityTask
    config: LearningConfig
    state: LearningState
    evaluation: RiskAndAccuracy
    network: TwoLayerReLU = field(repr=False)
    diverged: bool = False

    TABLE = "curve"

    def plot(self, ax: "Axes | None" = None) -> "list[Axes]":
        """Draw loss and accuracy against iterations and return the axes.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; its place is divided (default: a new figure).
        """
        return self.curve.plot(ax)

    @property
    def curve(self) -> LearningCurve:
        """Loss and accuracy on the way."""
        return self.state.curve
