"""Cells of a sweep over dimension, mask weight, width and rate: the phase diagram of what is learned."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from jaxtyping import Bool, Float64, Int64

from pitfalls.display import Displayed
from pitfalls.errors import InputError
from pitfalls.integers import require_integer
from pitfalls.parity.task import ParityTask
from pitfalls.parity.training.config import LEARNED, LearningConfig
from pitfalls.parity.training.ensemble import train_ensemble

__all__ = ["CellResult", "SweepCell", "run_cell", "sweep_cells"]


@dataclass(frozen=True, order=True)
class SweepCell:
    """One setting of a sweep.

    Attributes
    ----------
    n_features : int
        d.
    weight : int
        |v|, the number of features that count; each seed draws a mask of that weight.
    n_hidden : int
        k.
    learning_rate : float
    """

    n_features: int
    weight: int
    n_hidden: int
    learning_rate: float

    def __post_init__(self) -> None:
        for name, least in (("n_features", 1), ("weight", 0), ("n_hidden", 1)):
            whole = require_integer("SweepCell", name, getattr(self, name), least)
            object.__setattr__(self, name, whole)
        if self.weight > self.n_features:
            raise InputError(
                f"SweepCell: weight must be at most n_features = {self.n_features}. "
                f"Got {self.weight} instead."
            )
        rate = float(self.learning_rate)
        if not 0 < rate < math.inf:
            raise InputError(
                f"SweepCell: learning_rate must be a positive number. Got {rate} instead."
            )
        object.__setattr__(self, "learning_rate", rate)

    @property
    def name(self) -> str:
        """A name for files: ``d30-m3-k300-r0.001``; the rate with all its digits."""
        return f"d{self.n_features}-m{self.weight}-k{self.n_hidden}-r{self.learning_rate!r}"


@dataclass(frozen=True, eq=False, repr=False)
class CellResult(Displayed):
    """What became of the n replicas of one cell.

    Attributes
    ----------
    cell : SweepCell
    accuracy, risk : array of shape (n,)
        Of the last network.
    iterations : array of int64 of shape (n,)
        First record with 99 % test accuracy; -1 if there was none.
    diverged : array of bool of shape (n,)
    step : array of int64 of shape (records,)
    loss_curve, accuracy_curve : array of shape (n, records)
        Training loss and test accuracy (:class:`LearningCurve`); NaN after a divergence.
    """

    cell: SweepCell
    accuracy: Float64[np.ndarray, " n"]
    risk: Float64[np.ndarray, " n"]
    iterations: Int64[np.ndarray, " n"]
    diverged: Bool[np.ndarray, " n"]
    step: Int64[np.ndarray, " records"]
    loss_curve: Float64[np.ndarray, "n records"]
    accuracy_curve: Float64[np.ndarray, "n records"]

    @property
    def n(self) -> int:
        """Number of replicas."""
        return len(self.accuracy)

    @property
    def success(self) -> float:
        """Share of replicas whose last network has at least 99 % accuracy."""
        return float(np.mean((self.accuracy >= LEARNED) & ~self.diverged))


def sweep_cells(
    dimensions: Sequence[int],
    weights: Sequence[int],
    widths: Sequence[int] | None = None,
    rates: Sequence[float] = (0.001,),
) -> list[SweepCell]:
    """List the cells of a grid, leaving out weights above the dimension.

    Parameters
    ----------
    dimensions, weights : sequence of int
        d and |v|.
    widths : sequence of int, optional
        k; 10 d by default.
    rates : sequence of float
        Learning rates.

    Examples
    --------
    >>> [cell.name for cell in sweep_cells([2, 10], [2, 3])]
    ['d2-m2-k20-r0.001', 'd10-m2-k100-r0.001', 'd10-m3-k100-r0.001']
    """
    cells = {
        SweepCell(d, weight, 10 * d if width is None else width, rate): None
        for d, weight, width, rate in product(dimensions, weights, widths or (None,), rates)
        if weight <= d
    }
    if not cells:
        raise InputError(
            f"sweep_cells: no cell is left of dimensions {list(dimensions)} and weights "
            f"{list(weights)}. Give a weight that is not above some dimension."
        )
    return list(cells)


def run_cell(cell: SweepCell, n_seeds: int, config: LearningConfig) -> CellResult:
    """Train a cell's replicas, one after another on one core.

    Replica i takes the seed ``config.seed + i`` for mask, weights and inputs, whatever the cell.
    """
    n_seeds = require_integer("run_cell", "n_seeds", n_seeds, 1)
    own = replace(config, n_hidden=cell.n_hidden, learning_rate=cell.learning_rate)
    tasks = [
        ParityTask.random(cell.n_features, config.seed + i, cell.weight) for i in range(n_seeds)
    ]
    results = train_ensemble(tasks, own, n_threads=1)
    every = config.record_every
    step = np.unique([*range(every, config.n_iterations + 1, every), config.n_iterations]).astype(
        np.int64
    )
    curves = np.full((2, n_seeds, step.size), np.nan)
    for i, result in enumerate(results):
        seen = result.curve.step.size
        curves[:, i, :seen] = result.curve.loss, result.curve.test_accuracy
    return CellResult(
        cell=cell,
        accuracy=np.array([result.evaluation.accuracy for result in results]),
        risk=np.array([result.evaluation.risk for result in results]),
        iterations=np.array([result.curve.iterations_to() or -1 for result in results]),
        diverged=np.array([result.diverged for result in results]),
        step=step,
        loss_curve=curves[0],
        accuracy_curve=curves[1],
    )
