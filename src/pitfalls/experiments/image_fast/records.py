"""What is asked, and what was found."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np

from pitfalls.errors import InputError
from pitfalls.experiments.image_curves import Clock, Training
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_shares import standard_error
from pitfalls.experiments.image_source import ImageSource, Pictures, ask_for_images
from pitfalls.frame import Located, Result
from pitfalls.images.data import DataConfig
from pitfalls.images.training import FAST_RECIPES, TrainConfig
from pitfalls.runs import NOT_IDENTITY

__all__ = ["FastConfig", "FastResult", "Target", "Views", "is_whole"]

Target = Literal[90, 94]
Views = Literal["plain", "six"]


@dataclass(frozen=True)
class FastConfig:
    """The fast recipe, once a seed.

    Parameters
    ----------
    source : ImageSource
        The pictures.
    target : {90, 94}
        Percent of CIFAR-10's test images to get right.
    views : {"plain", "six"}
        How often an image is looked at where its answer counts: plainly, or six times (mirrored and
        shifted) as the field's records do; six has a recipe for 94 alone.
    image_sizes : tuple of int
        Side epoch by epoch, in place of the recipe's, as of CIFAR-10's 32 pixels: other pictures
        are scaled in proportion.
    n_seeds : int
        Trainings, from the seed on.
    precision : {"auto", "float32", "bfloat16"}
        auto takes bfloat16 where the processor has units for it.
    seed : int
        Of the first training.
    device : str
        Where to compute.
    """

    source: Annotated[ImageSource, Located(DataConfig, ask_for_images)]
    target: Target = 90
    views: Views = "plain"
    image_sizes: tuple[int, ...] = ()
    n_seeds: int = 1
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    seed: int = 123
    device: str = field(default="cpu", metadata=NOT_IDENTITY)

    def __post_init__(self) -> None:
        if (self.target, self.views) not in FAST_RECIPES:
            known = ", ".join(f"{target} {views}" for target, views in FAST_RECIPES)
            raise InputError(
                f"FastConfig: target and views must be one of {known}. "
                f"Got {self.target} {self.views} instead."
            )
        if any(size < 1 for size in self.image_sizes):
            raise InputError(
                f"FastConfig: image_sizes must be positive. Got {self.image_sizes} instead."
            )
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise InputError(
                "FastConfig: precision must be auto, float32 or bfloat16. "
                f"Got {self.precision!r} instead."
            )
        if self.n_seeds < 1:
            raise InputError(f"FastConfig: n_seeds must be at least 1. Got {self.n_seeds} instead.")


@dataclass(frozen=True, repr=False)
class FastResult(Result):
    """How far the fast recipe got, and in what time.

    Attributes
    ----------
    pictures : Pictures
    target : int
    network : NetworkConfig
    training : TrainConfig
        The recipe, fitted to these pictures; the first training's seed stands in it.
    trainings : tuple of Training
        One a seed.
    clocks : tuple of Clock
        Theirs.
    threads : int
    views : {"plain", "six"}
        By what the target counts.
    """

    TABLE = "trainings"

    pictures: Pictures
    target: Target
    network: NetworkConfig
    training: TrainConfig
    trainings: tuple[Training, ...]
    clocks: tuple[Clock, ...]
    threads: int
    views: Views = "plain"

    @property
    def n(self) -> int:
        """Number of trainings."""
        return len(self.trainings)

    @property
    def accuracy(self) -> float:
        """Plain test accuracy, the mean over the seeds."""
        return float(np.mean([training.test_accuracy for training in self.trainings]))

    @property
    def deviation(self) -> float | None:
        """Its standard deviation over the seeds; None of one."""
        return _deviation([training.test_accuracy for training in self.trainings])

    @property
    def six_views(self) -> float | None:
        """Test accuracy of the mean answer over six views, the mean over the seeds; None if not asked."""
        found = [t.six_views for t in self.trainings if t.six_views is not None]
        return float(np.mean(found)) if len(found) == self.n else None

    @property
    def seconds(self) -> float:
        """Of a training, the mean over the seeds."""
        return float(np.mean([clock.seconds for clock in self.clocks]))

    @property
    def cpu_seconds(self) -> float:
        """Of the processor for a training, the mean over the seeds."""
        return float(np.mean([clock.cpu_seconds for clock in self.clocks]))

    @property
    def scores(self) -> tuple[float, ...]:
        """Of each training, the test accuracy that the target counts; the plain one where no other is."""
        if self.views == "six" and self.six_views is not None:
            return tuple(t.six_views or 0.0 for t in self.trainings)
        return tuple(t.test_accuracy for t in self.trainings)

    @property
    def score(self) -> float:
        """Their mean over the seeds."""
        return float(np.mean(self.scores))

    @property
    def error(self) -> float:
        """Standard error of ``score``: by counting, and by the spread where there are several."""
        counting = standard_error(self.score, self.pictures.n("test"))
        return math.hypot(counting, (_deviation(self.scores) or 0.0) / math.sqrt(self.n))

    @property
    def has_target(self) -> bool:
        """Whether the target is meant for these pictures: all of CIFAR-10."""
        return self.pictures.is_whole_cifar10

    @property
    def is_altered(self) -> bool:
        """Whether other epochs, or images of other sizes, than the recipe's were trained."""
        sizes, side = self.training.image_sizes, self.pictures.shape[1]
        return bool(sizes) and not is_whole(self.target, self.views, sizes, side)

    @property
    def reached(self) -> bool | None:
        """Whether the mean is beyond the target; None within two standard errors of it."""
        above = self.score - self.target / 100
        return None if abs(above) <= 2 * self.error else above > 0


def is_whole(target: Target, views: Views, sizes: tuple[int, ...], side: int) -> bool:
    """Whether these are a recipe's own image sizes, epoch by epoch, for images of a height."""
    return sizes == FAST_RECIPES[target, views].training(side).image_sizes


def _deviation(scores: Sequence[float]) -> float | None:
    """Return the standard deviation over the seeds; None of one."""
    return float(np.std(scores, ddof=1)) if len(scores) > 1 else None
