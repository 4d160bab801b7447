"""What is asked, and what was found."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from pitfalls.display import Displayed
from pitfalls.errors import InputError
from pitfalls.experiments.image_confusion import Confusion
from pitfalls.experiments.image_shares import differ
from pitfalls.experiments.image_source import ImageSource, Pictures, ask_for_images
from pitfalls.frame import Located, Result
from pitfalls.images.data import DataConfig, Part

__all__ = [
    "PartScore",
    "RegressConfig",
    "RegressResult",
    "RuledOut",
    "SeparatingMap",
    "Separation",
]

QUICKLY_SEPARATED = 2_000_000
"""Pixels of all training images up to which separability is measured unasked."""


@dataclass(frozen=True)
class RegressConfig:
    """Least squares with intercept onto one-hot labels.

    Parameters
    ----------
    source : ImageSource
        The pictures.
    ridge : float
        Added to the diagonal of the centred S_xx.
    separability : bool
        Decide as well whether any linear map classifies all training images rightly (default: only
        where they have no more than two million pixels in all; on all of CIFAR-10 it takes long).
    """

    source: Annotated[ImageSource, Located(DataConfig, ask_for_images)]
    ridge: float = 0.0
    separability: bool | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.ridge < math.inf:
            raise InputError(
                f"RegressConfig: ridge must be finite and not negative. Got {self.ridge} instead."
            )

    @property
    def run_name(self) -> str:
        """Name the run by its data."""
        return self.source.name

    def measures_separability(self, pictures: Pictures) -> bool:
        """Whether it is decided if any linear map separates the classes of these pictures."""
        if self.separability is not None:
            return self.separability
        return pictures.n("train") * pictures.n_features <= QUICKLY_SEPARATED


@dataclass(frozen=True, repr=False)
class PartScore(Displayed):
    """Least squares on one part of the data.

    Attributes
    ----------
    part : {"train", "validation", "test"}
    confusion : Confusion
    predictions : array of shape (n,), int
    """

    part: Part
    confusion: Confusion
    predictions: NDArray[np.int32]


@dataclass(frozen=True, repr=False)
class SeparatingMap(Displayed):
    """A map x ↦ Wx + b of raw pixels that puts every training image's own class first.

    Attributes
    ----------
    weights : array of shape (k, d)
    intercept : array of shape (k,)
    margin : float
        A proven lower bound on the least lead of the own class.
    """

    weights: NDArray[np.float64]
    intercept: NDArray[np.float64]
    margin: float


@dataclass(frozen=True, repr=False)
class RuledOut(Displayed):
    """Training images i, other classes j and λ_ij > 0 that no separating map survives.

    Attributes
    ----------
    samples : array of shape (m,), int
        Places among the training images.
    rivals : array of shape (m,), int
        Labels.
    multipliers : tuple of str
        Whole numbers, with which the combination is zero exactly; or decimal ones next to such as
        make it so.
    """

    samples: NDArray[np.int64]
    rivals: NDArray[np.int64]
    multipliers: tuple[str, ...]

    @property
    def n(self) -> int:
        """How many different images it takes."""
        return len(np.unique(self.samples))


@dataclass(frozen=True)
class Separation:
    """Whether some linear map with intercept classifies all training images rightly.

    Attributes
    ----------
    verdict : {"separable", "not separable", "undecided"}
    witness : SeparatingMap, RuledOut or None
        Checked to be what it claims; None where it is undecided.
    reason : str
        Why it is undecided; else empty.
    """

    verdict: Literal["separable", "not separable", "undecided"]
    witness: SeparatingMap | RuledOut | None = None
    reason: str = ""


@dataclass(frozen=True, repr=False)
class RegressResult(Result):
    """How far a linear map of the pixels goes.

    Attributes
    ----------
    pictures : Pictures
    ridge : float
    rank : int
        Directions in which the training images vary, as least squares used them.
    normal_residual : float
        Of the normal equations.
    scores : tuple of PartScore
        One for every part that has images.
    separation : Separation or None
        None where it was not measured.
    """

    TABLE = "scores"

    pictures: Pictures
    ridge: float
    rank: int
    normal_residual: float
    scores: tuple[PartScore, ...]
    separation: Separation | None

    @property
    def train(self) -> PartScore:
        """On the images that it was fitted to."""
        return self.scores[0]

    @property
    def unseen(self) -> PartScore | None:
        """On the test images; else on those held out; None if there are neither."""
        found = {score.part: score for score in self.scores}
        return found.get("test", found.get("validation"))

    @property
    def all_right(self) -> bool:
        """Whether least squares itself classifies every training image rightly."""
        right = self.train.confusion.right
        return right.count == right.n

    @property
    def is_better_where_fitted(self) -> bool:
        """Whether it does better on the images it was fitted to than on others, beyond chance."""
        if self.unseen is None:
            return False
        train, other = self.train.confusion.right, self.unseen.confusion.right
        return train.value > other.value and differ(train, other)

    @property
    def beats_one_class(self) -> bool | None:
        """Whether it gets more unseen images right than always naming one class, beyond chance.

        None where there are no unseen images.
        """
        if self.unseen is None:
            return None
        low, _ = self.unseen.confusion.right.interval
        return low > self.pictures.constant(self.unseen.part)

    @property
    def loses_to_one_class(self) -> bool:
        """Whether always naming one class gets more unseen images right, beyond chance."""
        if self.unseen is None:
            return False
        _, high = self.unseen.confusion.right.interval
        return high < self.pictures.constant(self.unseen.part)
