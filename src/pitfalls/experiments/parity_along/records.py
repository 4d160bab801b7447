"""What is asked, and what was found."""

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from pitfalls.display import Displayed
from pitfalls.errors import InputError
from pitfalls.experiments.parity_curves import Replica
from pitfalls.experiments.sizes import refuse_cases
from pitfalls.frame import HIDDEN, Result
from pitfalls.parity import LearningConfig

__all__ = ["AlongConfig", "AlongResult", "Passage"]


@dataclass(frozen=True)
class AlongConfig:
    """Trainings during which the exact gradient signal is measured.

    Parameters
    ----------
    cases : tuple of (d, weight or None)
        Each is trained once.
    n_probes : int
        Measurements a training, evenly spread, besides the one at the start.
    training : LearningConfig
        How to train.
    """

    cases: Annotated[tuple[tuple[int, int | None], ...], HIDDEN] = ((18, 3), (18, 9))
    n_probes: int = 20
    training: LearningConfig = field(default_factory=lambda: LearningConfig(n_iterations=20_000))

    def __post_init__(self) -> None:
        refuse_cases("AlongConfig", self.cases)
        if self.n_probes < 1:
            raise InputError(f"AlongConfig: n_probes must be at least 1. Got {self.n_probes}.")

    @property
    def probed(self) -> tuple[int, ...]:
        """The iterations at which the signal is measured, the start among them."""
        every, total = self.training.record_every, self.training.n_iterations
        n_records = -(-total // every)
        n_probes = min(self.n_probes, n_records)  # there are no more places
        at = {min(round(i * n_records / n_probes) * every, total) for i in range(1, n_probes + 1)}
        return tuple(sorted({0} | at))


@dataclass(frozen=True, repr=False)
class Passage(Displayed):
    """One training and the signal on its way; arrays of one value a probe.

    Attributes
    ----------
    replica : Replica
        The training.
    step : array of int
        Iterations at the probes, 0 first.
    mean : array
        E_v||grad R_v - a||^2 over all masks.
    own : array
        ||grad R_v - a||^2 of the mask that is trained.
    shared : array
        ||a||^2.
    """

    replica: Replica
    step: NDArray[np.int64]
    mean: NDArray[np.float64]
    own: NDArray[np.float64]
    shared: NDArray[np.float64]

    @property
    def ratio(self) -> NDArray[np.float64]:
        """The trained mask's signal over the mean of all; NaN where there is none at all."""
        nothing = np.full_like(self.mean, np.nan)
        return np.divide(self.own, self.mean, out=nothing, where=self.mean > 0)

    @property
    def ratio_at_start(self) -> float:
        """The ratio before training."""
        return float(self.ratio[0])

    @property
    def ratio_at_most(self) -> float:
        """The largest ratio at any probe."""
        return float(np.nanmax(self.ratio)) if np.isfinite(self.ratio).any() else float("nan")


@dataclass(frozen=True, repr=False)
class AlongResult(Result):
    """The signal along training.

    Attributes
    ----------
    passages : tuple of Passage
        One a case.
    batches_a_record : int
        Batches over which the curve's means are taken.
    loss : str
    """

    TABLE = "passages"

    passages: tuple[Passage, ...]
    batches_a_record: int
    loss: str

    @property
    def learned(self) -> tuple[Passage, ...]:
        """The trainings that learned."""
        return tuple(passage for passage in self.passages if passage.replica.learned)

    @property
    def failed(self) -> tuple[Passage, ...]:
        """The trainings that did not."""
        return tuple(passage for passage in self.passages if not passage.replica.learned)

    @property
    def separates(self) -> bool:
        """Whether each ratio of those that learned is ten times any of those that did not."""
        if not self.learned or not self.failed:
            return False
        won = min(passage.ratio_at_most for passage in self.learned)
        return won > 10 * max(passage.ratio_at_most for passage in self.failed)
