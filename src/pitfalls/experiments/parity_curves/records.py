"""What is asked, and what was found."""

import statistics
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from pitfalls.display import Displayed
from pitfalls.experiments.sizes import refuse_cases, refuse_seeds
from pitfalls.frame import HIDDEN, Result
from pitfalls.parity import LEARNED, LearningConfig
from pitfalls.runs import NOT_IDENTITY

__all__ = ["CurveCase", "CurvesConfig", "CurvesResult", "Replica"]

HOMEWORK_CASES = ((5, None), (10, None), (30, None), (30, 2), (30, 3))


@dataclass(frozen=True)
class CurvesConfig:
    """Several trainings side by side (homework 3b).

    Parameters
    ----------
    cases : tuple of (d, weight or None)
        Each is trained ``n_seeds`` times, with a mask, weights and inputs of its own each time;
        without a weight the mask is drawn uniformly, as in the homework.
    n_seeds : int
        Trainings a case.
    training : LearningConfig
        ``seed`` is that of the first replica.
    parallel : int
        Replicas at a time (default: as many as there are threads).
    device : str
        Where to train.
    """

    cases: Annotated[tuple[tuple[int, int | None], ...], HIDDEN] = HOMEWORK_CASES
    n_seeds: int = 5
    training: LearningConfig = field(default_factory=LearningConfig)
    parallel: Annotated[int | None, HIDDEN] = field(default=None, metadata=NOT_IDENTITY)
    device: str = field(default="cpu", metadata=NOT_IDENTITY)

    def __post_init__(self) -> None:
        refuse_cases("CurvesConfig", self.cases)
        refuse_seeds("CurvesConfig", self.n_seeds)


@dataclass(frozen=True, repr=False)
class Replica(Displayed):
    """One training: its mask and start are its seed's.

    Attributes
    ----------
    n_features, weight, seed : int
        d and the mask's ones.
    step : array of int
        Iterations done at each record.
    batch_loss, loss, train_accuracy : array
        Loss of the last batch before the record; means over the batches since the record before,
        of fresh inputs, or of the training set where there is one.
    accuracy : array
        On inputs as the task draws them: ``train_accuracy`` where every batch is fresh; where there
        is a training set, measured at the record on test inputs: all of them to d = 12, else drawn.
    risk, risk_error, test_accuracy, accuracy_error : float
        Of the last network over ``n_inputs`` inputs (all 2^d if ``exact``), and their standard
        errors.
    n_inputs : int
    exact : bool
    diverged : bool
        Whether training left the finite numbers; the last finite network is evaluated then.
    """

    n_features: int
    weight: int
    seed: int
    step: NDArray[np.int64]
    batch_loss: NDArray[np.float64]
    loss: NDArray[np.float64]
    train_accuracy: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    risk: float
    risk_error: float
    test_accuracy: float
    accuracy_error: float
    n_inputs: int
    exact: bool
    diverged: bool

    @property
    def learned(self) -> bool:
        """Whether training ended, with a network at least 99 % accurate over the inputs it was tried on."""
        return self.test_accuracy >= LEARNED and not self.diverged

    @property
    def reached(self) -> int | None:
        """The first record with 99 % accuracy on inputs as the task draws them, or None."""
        return _first(self.step, self.accuracy)

    @property
    def fitted(self) -> int | None:
        """The first record whose batches were 99 % accurate, or None; on a set it knows by heart."""
        return _first(self.step, self.train_accuracy)


def _first(step: NDArray[np.int64], accuracy: NDArray[np.float64]) -> int | None:
    at = np.flatnonzero(accuracy >= LEARNED)
    return int(step[at[0]]) if at.size else None


@dataclass(frozen=True)
class CurveCase:
    """All trainings of one case.

    Attributes
    ----------
    n_features : int
        d.
    fixed : bool
        Whether the mask's weight was given; else the masks were drawn uniformly.
    replicas : tuple of Replica
    """

    n_features: int
    fixed: bool
    replicas: tuple[Replica, ...]

    @property
    def weights(self) -> tuple[int, ...]:
        """The masks' weights, in rising order."""
        return tuple(sorted(replica.weight for replica in self.replicas))

    @property
    def n_learned(self) -> int:
        """How many trainings learned."""
        return sum(replica.learned for replica in self.replicas)

    @property
    def risk(self) -> float:
        """The median risk at the end."""
        return statistics.median(replica.risk for replica in self.replicas)

    @property
    def accuracy(self) -> float:
        """The median accuracy at the end."""
        return statistics.median(replica.test_accuracy for replica in self.replicas)

    @property
    def reached(self) -> tuple[int, ...]:
        """The first records with 99 % accuracy, of the trainings that got there."""
        return tuple(r.reached for r in self.replicas if r.reached is not None)


@dataclass(frozen=True, repr=False)
class CurvesResult(Result):
    """Every training of part (b).

    Attributes
    ----------
    cases : tuple of CurveCase
    n_iterations : int
    batches_a_record : int
        Batches over which a record's means are taken.
    learning_rate : float
    loss : str
    fresh : bool
        Whether every batch was fresh; else they came from a fixed training set.
    """

    TABLE = "cases"

    cases: tuple[CurveCase, ...]
    n_iterations: int
    batches_a_record: int
    learning_rate: float
    loss: str
    fresh: bool
