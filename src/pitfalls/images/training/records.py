"""What a training hands out: plain frozen records."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from pitfalls.display import Displayed

if TYPE_CHECKING:
    from pitfalls.plots import Axes

__all__ = ["EpochRecord", "StepRecord", "TrainResult", "TrainState"]


@dataclass(frozen=True)
class StepRecord:
    """One step: what it saw and did. Loss and accuracy are those before the update."""

    step: int
    epoch: int
    batch: int
    rate: float
    loss: float
    accuracy: float


@dataclass(frozen=True)
class EpochRecord:
    """One epoch: means over its steps, in training mode, and the validation set's after it.

    The validation values are None where the data have no validation set; their loss is the mean
    cross-entropy, whatever the loss that is trained on.
    """

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None


@dataclass(frozen=True, repr=False)
class TrainState(Displayed):
    """All that a run needs to go on: tensors by name, and plain JSON values."""

    tensors: dict[str, Tensor]
    meta: dict[str, Any]

    @property
    def step(self) -> int:
        """Steps done."""
        return int(self.meta["step"])


@dataclass(frozen=True, repr=False)
class TrainResult(Displayed):
    """A finished run; the model holds the final, averaged or best weights.

    Attributes
    ----------
    epochs : tuple of EpochRecord
    steps : int
    seconds, cpu_seconds : float
        Wall time and this process' processor time of the training steps: everything from picking
        a batch's indices to the update, without evaluation and checkpoints.
    best_epoch : int or None
        Counted from 0, the first with the lowest validation loss; None without a validation set.

    Examples
    --------
    Accuracies of a linear network on digits, in training and on the validation set:

    .. plot::
       :include-source:

       import torch
       from torch import nn
       from pitfalls.images import DataConfig, TrainConfig, load_dataset, train

       torch.manual_seed(0)
       digits = load_dataset(DataConfig("digits", subset_train=600, validation=0.2))
       linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
       config = TrainConfig(epochs=10, batch_size=50, scheme="constant", rate=0.05, flip="none")
       train(linear, digits, config).plot()
    """

    epochs: tuple[EpochRecord, ...]
    steps: int
    seconds: float
    cpu_seconds: float
    best_epoch: int | None = None

    TABLE = "epochs"

    def plot(self, ax: "Axes | None" = None) -> "list[Axes]":
        """Draw the accuracies after each epoch and return the axes.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw (default: a new figure).
        """
        from pitfalls.plots import draw_epochs, drawing_on

        held = [one.validation_accuracy for one in self.epochs]
        with drawing_on(ax) as axis:
            draw_epochs(
                axis,
                [one.train_accuracy for one in self.epochs],
                None if None in held else np.array(held, dtype=np.float64),
            )
            axis.legend(loc="best")
        return [axis]
