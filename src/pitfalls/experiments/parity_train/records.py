"""What is asked, and what was found."""

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from pitfalls.errors import InputError
from pitfalls.experiments.parity_curves import Replica
from pitfalls.frame import HIDDEN, Result
from pitfalls.parity import LearningConfig
from pitfalls.runs import NOT_IDENTITY

__all__ = ["ParityTrainConfig", "ParityTrainResult"]


@dataclass(frozen=True)
class ParityTrainConfig:
    """One training.

    Parameters
    ----------
    mask : tuple of int
        v, zeros and ones.
    training : LearningConfig
        How to train.
    checkpoint_every : int
        Iterations between checkpoints.
    """

    mask: Annotated[tuple[int, ...], HIDDEN] = (1, 1, 1, 0, 0, 0, 0, 0, 0, 0)
    training: LearningConfig = field(default_factory=LearningConfig)
    checkpoint_every: int = field(default=10_000, metadata=NOT_IDENTITY)

    def __post_init__(self) -> None:
        if not self.mask or set(self.mask) - {0, 1}:
            raise InputError(
                f"ParityTrainConfig: mask must be zeros and ones. Got {self.mask} instead."
            )
        if self.checkpoint_every < 1:
            raise InputError(
                f"ParityTrainConfig: checkpoint_every must be at least 1. Got {self.checkpoint_every}."
            )


@dataclass(frozen=True, repr=False)
class ParityTrainResult(Result):
    """A trained network.

    Attributes
    ----------
    mask : tuple of int
    n_hidden : int
        k.
    replica : Replica
        The curve, and the last network's risk and accuracy.
    parameters : array of shape (P,)
        The last network's, flat, in the homework's order.
    loss : str
    fresh : bool
        Whether every batch was fresh; else they came from a fixed training set.
    """

    TABLE = "replica"

    mask: tuple[int, ...]
    n_hidden: int
    replica: Replica
    parameters: NDArray[np.floating]
    loss: str
    fresh: bool
