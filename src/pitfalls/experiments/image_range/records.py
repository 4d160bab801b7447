"""What is asked, and what was found."""

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from pitfalls.errors import InputError
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_source import ImageSource, Pictures, ask_for_images
from pitfalls.frame import HIDDEN, Located, Result, Without
from pitfalls.images.data import DataConfig
from pitfalls.images.training import TrainConfig
from pitfalls.named import named_digest
from pitfalls.runs import NOT_IDENTITY

__all__ = ["RangeConfig", "RangeResult"]


@dataclass(frozen=True)
class RangeConfig:
    """A learning-rate range test.

    Parameters
    ----------
    source : ImageSource
        The pictures.
    network : NetworkConfig
        The network.
    training : TrainConfig
        How to train; the rate is the test's own.
    start : float
        First rate.
    stop : float
        Last rate.
    steps : int
        Rates to try, one a step.
    code : str
        Fingerprint of the source of the user's own parts; made from their names.
    device : str
        Where to compute.
    """

    source: Annotated[ImageSource, Located(DataConfig, ask_for_images)]
    network: NetworkConfig = field(default_factory=NetworkConfig)
    training: Annotated[
        TrainConfig,
        Without(
            "scheme",
            "rate",
            "epochs",
            "averaging",
            "checkpoint_every",
            "warmup",
            "patience",
            "keep",
        ),
    ] = field(
        # no optimizer needs a rate for this scheme, in whose place the test's own rates come
        default_factory=lambda: TrainConfig(flip="auto", scheme="constant")
    )
    start: float = 1e-5
    stop: float = 10.0
    steps: int = 100
    code: Annotated[str, HIDDEN] = ""
    device: str = field(default="cpu", metadata=NOT_IDENTITY)

    def __post_init__(self) -> None:
        self.network.need_use()
        digest = named_digest(*self.own_code)
        object.__setattr__(self, "code", digest)  # never given: what the names lead to now
        if not 0 < self.start < self.stop < np.inf:
            raise InputError(
                "RangeConfig: start and stop must be rates with 0 < start < stop. "
                f"Got {self.start:g} and {self.stop:g} instead."
            )
        if self.steps < 3:
            raise InputError(f"RangeConfig: steps must be at least 3. Got {self.steps} instead.")

    @property
    def own_code(self) -> tuple[str, ...]:
        """The names that may lead to code of the user's."""
        return self.network.model, *self.training.own_parts


@dataclass(frozen=True, repr=False)
class RangeResult(Result):
    """The loss at every rate that was tried; arrays of shape (n,), one step an entry.

    Attributes
    ----------
    pictures : Pictures
    network : NetworkConfig
    training : TrainConfig
        With what ``auto`` stood for.
    rates, losses, smoothed : array
        The rate of each step, the loss of its batch before it, and its moving average.
    steepest, lowest : float or None
        Where the average falls fastest, and where it is lowest; None where the range shows neither.
    undecided : str
        Why there are none; else empty.
    diverged : bool
        Whether the test ended early because the loss burst.
    """

    TABLE = ("rates", "losses", "smoothed")

    pictures: Pictures
    network: NetworkConfig
    training: TrainConfig
    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    smoothed: NDArray[np.float64]
    steepest: float | None
    lowest: float | None
    undecided: str
    diverged: bool
