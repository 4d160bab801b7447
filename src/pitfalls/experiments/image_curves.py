"""What a training of a network on images leaves in a result: its course, and where it ended."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pitfalls.display import Displayed
from pitfalls.images.training import TrainConfig
from pitfalls.named import is_named

__all__ = [
    "Clock",
    "Diverged",
    "Training",
    "loss_label",
    "mean_curve",
    "mean_of",
    "smooth",
    "window",
]

WIDEST = 20
"""Steps of the moving mean that is drawn over single steps; a tenth of the run where that is less."""


@dataclass(frozen=True, repr=False)
class Training(Displayed):
    """A network that was trained, and tested once, after it.

    Attributes
    ----------
    scheme : str
        Of the learning rate.
    seed : int
        Of start, order and augmentation.
    rate, loss, accuracy : array of shape (steps,)
        The rate of each step; loss (nats, unless it is your own) and accuracy of its batch, before it.
    train_losses, train_accuracies : array of shape (epochs,)
        Means over each epoch while the weights changed, of images as they were augmented.
    validation_losses, validation_accuracies : array of shape (epochs,) or None
        Of the part held out of the training set, after each epoch; None if none was held out.
    test_loss, test_accuracy : float
    six_views : float or None
        Test accuracy of the mean answer over six views of each image, where it was asked for.
    kept_epoch : int or None
        The epoch, from 0, whose weights were kept and tested; None: the last.
    """

    scheme: str
    seed: int
    rate: NDArray[np.float64]
    loss: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    train_losses: NDArray[np.float64]
    train_accuracies: NDArray[np.float64]
    validation_losses: NDArray[np.float64] | None
    validation_accuracies: NDArray[np.float64] | None
    test_loss: float
    test_accuracy: float
    six_views: float | None = None
    kept_epoch: int | None = None

    @property
    def n_steps(self) -> int:
        """Steps of the optimiser."""
        return len(self.rate)

    @property
    def n_epochs(self) -> int:
        """Passes over the training set."""
        return len(self.train_losses)

    @property
    def steps(self) -> NDArray[np.int64]:
        """Numbers of the steps, from 1."""
        return np.arange(1, self.n_steps + 1)

    @property
    def train_accuracy(self) -> float:
        """The mean over the last epoch."""
        return float(self.train_accuracies[-1])

    @property
    def train_loss(self) -> float:
        """The mean over the last epoch."""
        return float(self.train_losses[-1])

    @property
    def validation_accuracy(self) -> float | None:
        """Of the weights that were kept; None if nothing was held out."""
        if self.validation_accuracies is None:
            return None
        return float(self.validation_accuracies[-1 if self.kept_epoch is None else self.kept_epoch])

    @property
    def smooth_loss(self) -> NDArray[np.float64]:
        """What page and figure draw of the loss."""
        return smooth(self.loss)

    @property
    def smooth_accuracy(self) -> NDArray[np.float64]:
        """What page and figure draw of the accuracy."""
        return smooth(self.accuracy)

    @property
    def only_rises(self) -> bool:
        """Whether the rate grows at every step, from first to last."""
        return self.n_steps > 1 and bool((np.diff(self.rate) > 0).all())


@dataclass(frozen=True)
class Diverged:
    """A training that left the finite numbers.

    Attributes
    ----------
    scheme : str
    seed : int
    why : str
        At which step, and where.
    """

    scheme: str
    seed: int
    why: str


@dataclass(frozen=True)
class Clock:
    """What the steps of a training took, without loading, checkpoints and testing.

    Attributes
    ----------
    seconds, cpu_seconds : float
        By the clock on the wall, and of the processor.
    """

    seconds: float
    cpu_seconds: float


def window(n_steps: int) -> int:
    """Return how many steps a point of a drawn curve is the mean of."""
    return max(min(WIDEST, n_steps // 10), 1)


def smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each step and those before it, `window` in all; fewer at the start."""
    width = window(len(values))
    # each window is summed by itself: one spike in a running sum would take the digits of all after it
    padded = np.concatenate([np.zeros(width - 1), values])
    sums: NDArray[np.float64] = np.lib.stride_tricks.sliding_window_view(padded, width).sum(axis=1)
    return sums / np.minimum(np.arange(1, len(values) + 1), width)


def loss_label(training: TrainConfig, unit: str = "[nats]") -> str:
    """Name what the losses of a training are."""
    return "loss" if is_named(training.loss) else f"cross-entropy {unit}"


def mean_curve(trainings: Sequence[Training]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the steps that all of some trainings took, and the mean of what is drawn of their losses."""
    n = min(training.n_steps for training in trainings)
    mean: NDArray[np.float64] = np.mean([t.smooth_loss[:n] for t in trainings], axis=0)
    return np.arange(1, n + 1), mean


def mean_of(n_steps: int) -> str:
    """Say what a point of a drawn curve is."""
    width = window(n_steps)
    return "single steps" if width == 1 else f"mean of {width} steps"
