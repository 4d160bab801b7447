"""What is asked, and what was found."""

import itertools
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
from cyclopts import Parameter
from numpy.typing import NDArray

from pitfalls.display import Displayed
from pitfalls.errors import InputError
from pitfalls.experiments.sizes import refuse_seeds, refuse_sizes
from pitfalls.frame import Result, Without
from pitfalls.parity import LEARNED, LearningConfig
from pitfalls.prose import number
from pitfalls.runs import NOT_IDENTITY

__all__ = ["Cell", "Pair", "SweepConfig", "SweepResult"]


@dataclass(frozen=True)
class SweepConfig:
    """A cell for each d, |v*|, width and learning rate.

    Parameters
    ----------
    n_features : tuple of int
        d.
    weights : tuple of int
        Ones of the mask; those above d are left out.
    widths : tuple of int
        Hidden units k (default: 10 d).
    learning_rates : tuple of float
        Steps of the optimiser.
    n_seeds : int
        Trainings a cell.
    training : LearningConfig
        How to train; the width and the learning rate are the cell's.
    backend : {"loky", "dask", "ray", "submitit"}
        Where cells run: processes here, an existing Dask or Ray cluster, or SLURM through submitit.
    address : str
        Of a Dask or Ray cluster, host:port (default: a local one); local lets submitit start
        processes here.
    n_jobs : int
        Cells at a time (default: --threads, else one a core; all under SLURM). A cluster at an address
        decides for itself.
    """

    n_features: Annotated[tuple[int, ...], Parameter(alias="-d")] = (5, 10, 15, 20, 30)
    weights: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 8, 10)
    widths: tuple[int, ...] = ()
    learning_rates: tuple[float, ...] = (0.001,)
    n_seeds: int = 3
    training: Annotated[LearningConfig, Without("learning_rate", "n_hidden")] = field(
        default_factory=LearningConfig
    )
    backend: Literal["loky", "dask", "ray", "submitit"] = field(
        default="loky", metadata=NOT_IDENTITY
    )
    address: str | None = field(default=None, metadata=NOT_IDENTITY)
    n_jobs: int | None = field(default=None, metadata=NOT_IDENTITY)

    def __post_init__(self) -> None:
        refuse_sizes("SweepConfig", self.n_features, *self.widths)
        refuse_seeds("SweepConfig", self.n_seeds)
        if not self.weights or min(self.weights) < 0:
            raise InputError(
                f"SweepConfig: weights must be at least 0. Got {self.weights} instead."
            )
        if min(self.weights) > max(self.n_features):
            raise InputError(
                "SweepConfig: no cell is left; give a weight that is not above some dimension. "
                f"Got weights {self.weights} and dimensions {self.n_features}."
            )
        if not self.learning_rates or not all(0 < rate < np.inf for rate in self.learning_rates):
            raise InputError(
                "SweepConfig: learning_rates must be positive numbers. "
                f"Got {self.learning_rates} instead."
            )
        if self.n_jobs is not None and self.n_jobs < 1:
            raise InputError(f"SweepConfig: n_jobs must be at least 1. Got {self.n_jobs} instead.")


@dataclass(frozen=True, repr=False)
class Cell(Displayed):
    """All trainings of one cell; arrays of one value a training, or a record.

    Attributes
    ----------
    n_features, weight, n_hidden : int
        d, the mask's ones, k.
    learning_rate : float
    accuracy, risk : array of shape (n,)
        Of the last networks.
    iterations : array of int of shape (n,)
        The first record with 99 % accuracy on inputs as the task draws them; -1 if there was none.
    diverged : array of bool of shape (n,)
    step : array of int of shape (records,)
    accuracy_curve : array of shape (n, records)
        NaN after a divergence.
    """

    n_features: int
    weight: int
    n_hidden: int
    learning_rate: float
    accuracy: NDArray[np.float64]
    risk: NDArray[np.float64]
    iterations: NDArray[np.int64]
    diverged: NDArray[np.bool_]
    step: NDArray[np.int64]
    accuracy_curve: NDArray[np.float64]

    @property
    def n(self) -> int:
        """Number of trainings."""
        return len(self.accuracy)

    @property
    def n_learned(self) -> int:
        """Trainings whose last network is at least 99 % accurate."""
        return int(np.sum((self.accuracy >= LEARNED) & ~self.diverged))

    @property
    def share(self) -> float:
        """Share of the trainings that learned."""
        return self.n_learned / self.n

    @property
    def reached(self) -> tuple[int, ...]:
        """Iterations to 99 % of the trainings that got there, in rising order."""
        return tuple(sorted(int(at) for at in self.iterations if at >= 0))

    @property
    def median_iterations(self) -> float | None:
        """The median over the trainings that got there; None if none did."""
        return float(np.median(self.reached)) if self.reached else None

    @property
    def median_accuracy(self) -> float:
        """The median accuracy at the end, of trainings that did not diverge; NaN if all did."""
        kept = self.accuracy[~self.diverged]
        return float(np.median(kept)) if kept.size else float("nan")


@dataclass(frozen=True)
class Pair:
    """All cells of one d and weight, over widths and rates together."""

    n_features: int
    weight: int
    cells: tuple[Cell, ...]

    @property
    def n(self) -> int:
        """Number of trainings."""
        return sum(cell.n for cell in self.cells)

    @property
    def n_learned(self) -> int:
        """Trainings that learned."""
        return sum(cell.n_learned for cell in self.cells)


@dataclass(frozen=True, repr=False)
class SweepResult(Result):
    """The phase diagram.

    Attributes
    ----------
    cells : tuple of Cell
    n_iterations : int
    n_seeds : int
    default_width : bool
        Whether every width is 10 d.
    """

    TABLE = "cells"

    cells: tuple[Cell, ...]
    n_iterations: int
    n_seeds: int
    default_width: bool

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The cells by d and weight."""
        ordered = sorted(self.cells, key=lambda cell: (cell.n_features, cell.weight))
        groups = itertools.groupby(ordered, key=lambda cell: (cell.n_features, cell.weight))
        return tuple(Pair(d, weight, tuple(cells)) for (d, weight), cells in groups)

    @property
    def panels(self) -> tuple[tuple[str, tuple[Cell, ...]], ...]:
        """The cells by width and rate, with what to call each."""
        groups: dict[tuple[str, float], list[Cell]] = {}
        for cell in self.cells:
            width = "10 d" if self.default_width else str(cell.n_hidden)
            groups.setdefault((width, cell.learning_rate), []).append(cell)
        return tuple(
            (f"k = {width}, rate {number(rate)}", tuple(cells))
            for (width, rate), cells in groups.items()
        )
