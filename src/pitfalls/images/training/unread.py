"""What steps gave, on the device until it is read: to read is to wait for the device."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pitfalls.images.training.records import StepRecord

__all__ = ["PROMPT", "UnreadStep", "read_steps"]

PROMPT = ("cpu",)
"""Devices on which a step's loss is read at once; on any other when an epoch or a checkpoint is due."""


@dataclass(frozen=True)
class UnreadStep:
    """A step that was done.

    Parameters
    ----------
    at, epoch, batch : int
        From 0.
    rate : float
    n : int
        Images of the batch.
    gave : Tensor of shape (2,)
        Summed loss and right answers.
    """

    at: int
    epoch: int
    batch: int
    rate: float
    n: int
    gave: Tensor

    def told(self, loss: float, right: float) -> StepRecord:
        """Return the record for those who listen."""
        n = self.n
        return StepRecord(self.at + 1, self.epoch, self.batch, self.rate, loss / n, right / n)

    def burst(self, loss: float) -> str:
        """Say that the loss is not finite."""
        return (
            f"the loss is {loss / self.n:g} at step {self.at + 1} (epoch {self.epoch + 1}, rate "
            f"{self.rate:.3g})"
        )


def read_steps(steps: Sequence[UnreadStep]) -> list[tuple[float, float]]:
    """Return each step's summed loss and right answers, in one wait."""
    found = torch.stack([step.gave for step in steps]).tolist() if steps else []
    return [(loss, right) for loss, right in found]
