"""Sweeps: the phase diagram of which parities are learned."""

from dataclasses import dataclass, field

import numpy as np

from pitfalls.errors import InputError
from pitfalls.experiments.registry import experiment
from pitfalls.parity import CellResult, SweepCell, TrainingConfig, sweep, sweep_cells
from pitfalls.parity.grid import Backend
from pitfalls.progress import Progress
from pitfalls.runs import NOT_IDENTITY, Run

__all__ = ["SweepConfig", "measure_sweep"]


@dataclass(frozen=True)
class SweepConfig:
    """A phase diagram of what is learned.

    Parameters
    ----------
    dimensions, weights : tuple of int
        d and |v|; weights above d are left out.
    widths : tuple of int
        k; empty: 10 d.
    rates : tuple of float
        Learning rates.
    n_seeds : int
        Replicas a cell.
    training : TrainingConfig
        The rest.
    backend, address, jobs
        Where the cells run; no part of the result.
    """

    dimensions: tuple[int, ...] = (5, 10, 15, 20, 30)
    weights: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 8, 10)
    widths: tuple[int, ...] = ()
    rates: tuple[float, ...] = (0.001,)
    n_seeds: int = 3
    training: TrainingConfig = field(default_factory=TrainingConfig)
    backend: Backend = field(default="loky", metadata=NOT_IDENTITY)
    address: str | None = field(default=None, metadata=NOT_IDENTITY)
    jobs: int = field(default=-1, metadata=NOT_IDENTITY)

    def cells(self) -> list[SweepCell]:
        """List the cells, in the order of the results."""
        return sweep_cells(self.dimensions, self.weights, self.widths or None, self.rates)

    def __post_init__(self) -> None:
        self.cells()
        if self.n_seeds < 1:
            raise InputError(f"SweepConfig: n_seeds must be at least 1. Got {self.n_seeds}.")


@experiment("parity-sweep")
def measure_sweep(config: SweepConfig, run: Run, progress: Progress) -> None:
    """Train every cell; each is saved the moment it is done.

    Arrays ``cell-<name>``: accuracy, risk, iterations (-1: never at 99 %), diverged, all (seeds,);
    step (records,), loss_curve and accuracy_curve (seeds, records). Arrays ``cells``: one row a
    cell, n_features, weight, n_hidden, learning_rate, n, success, iterations (the median over
    the n_reached that got to 99 %; NaN if none did), median_accuracy, n_diverged.
    """
    cells = config.cells()
    left = [cell for cell in cells if not run.has_arrays(f"cell-{cell.name}")]

    def keep(result: CellResult) -> None:
        values = {name: value for name, value in vars(result).items() if name != "cell"}
        run.save_arrays(f"cell-{result.cell.name}", **values)

    with progress("sweep", unit="cells") as advance:
        sweep(
            left,
            config.n_seeds,
            config.training,
            backend=config.backend,
            address=config.address,
            n_jobs=config.jobs,
            on_cell=keep,
            on_progress=lambda done, _: advance(len(cells) - len(left) + done, len(cells)),
        )
    rows = []
    for cell in cells:
        stored = run.arrays(f"cell-{cell.name}")
        result = CellResult(cell=cell, **stored)
        reached = result.iterations[result.iterations >= 0]
        row = {
            "n_features": cell.n_features,
            "weight": cell.weight,
            "n_hidden": cell.n_hidden,
            "learning_rate": cell.learning_rate,
            "n": result.n,
            "success": result.success,
            "iterations": float(np.median(reached)) if reached.size else None,
            "n_reached": int(reached.size),
            "median_accuracy": float(np.median(result.accuracy)),
            "n_diverged": int(result.diverged.sum()),
        }
        rows.append({"name": cell.name, **row})
        run.log(step=config.training.n_iterations, **row)
    run.save_arrays(
        "cells",
        **{
            name: np.array([np.nan if row[name] is None else row[name] for row in rows])
            for name in rows[0]
            if name != "name"
        },
    )
    run.save_results({"cells": rows, "n_seeds": config.n_seeds})
