"""Follow the flow from near the origin, and name the saddles that it passes."""

from dataclasses import replace
from typing import Any

import numpy as np

from pitfalls.errors import InputError
from pitfalls.experiments.linear_risk import load_risk
from pitfalls.experiments.linear_source import Planted, Problem
from pitfalls.experiments.linear_tour.records import (
    Flow,
    TourConfig,
    TourResult,
    Visit,
    rotation,
)
from pitfalls.frame import Homework
from pitfalls.linear import SquaredRisk, Trajectory, classify, descend, factorize
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["homework", "run"]


def run(config: TourConfig, run: Run, progress: Progress) -> TourResult:
    """Follow one flow a depth; a stopped run starts again."""
    with progress("second moments", unit="rows") as advance:
        risk = load_risk(config.problem, advance, run).whitened()
    modes, p = risk.modes, risk.n_outputs
    if not modes.rank or config.strength >= modes.values[0]:
        raise InputError(
            f"linear tour: strength must lie below the strongest mode. Got {config.strength} and "
            f"modes {', '.join(f'{s:.3g}' for s in modes.values[: modes.rank]) or 'none'}."
        )
    levels = tuple(0.5 * float(np.sum(modes.values[r:] ** 2)) for r in range(modes.rank + 1))
    flows = []
    for depth in config.depths:
        widths = (risk.n_features, *[p] * (depth - 1), p)
        start = factorize(_rotated_start(risk, config), widths)
        with progress(f"{depth} layers", unit="thousandths") as advance:
            path = descend(risk, start, method="flow", records=600, on_progress=advance).trajectory
        flows.append(
            Flow(
                depth,
                _visits(risk, path, widths, levels),
                np.asarray(path.time, dtype=np.float64),
                np.asarray(path.excess, dtype=np.float64),
                np.asarray(path.saddle_distance, dtype=np.float64),
                np.asarray(path.saddle_rank).astype(np.int64),
            )
        )
        run.log(depth=depth, final_excess=float(path.excess[-1]))
    kept = np.asarray(modes.values[: modes.rank], dtype=np.float64)
    return TourResult(config.problem.name, kept, levels, config.strength, tuple(flows))


def homework(asked: Homework) -> tuple[TourConfig, ...]:
    """Tour the planted problem with two, three and four layers."""
    return (TourConfig(Problem(replace(Planted(), seed=asked.seed)), seed=asked.seed),)


def _visits(
    risk: SquaredRisk, path: Trajectory, widths: tuple[int, ...], levels: tuple[float, ...]
) -> tuple[Visit, ...]:
    visits = []
    for rank, level in enumerate(levels):
        here = (path.saddle_rank == rank) & path.saddle_is_best
        nearest = np.where(here, path.saddle_distance, np.inf)
        at = int(np.argmin(nearest))
        if np.isfinite(nearest[at]):
            verdict = classify(risk, factorize(risk.minimum(rank).map, widths))
            visits.append(
                Visit(
                    rank,
                    float(nearest[at]),
                    float(path.time[at]),
                    float(np.mean(here)),
                    level,
                    verdict.verdict,
                )
            )
    return tuple(visits)


def _rotated_start(risk: SquaredRisk, config: TourConfig) -> Any:
    """Draw a small random rotation as the map to start from: no mode is favoured.

    From a balanced start the flow never crosses a singular layer, so the determinant keeps its sign;
    one that is wrong would leave a mode out for ever.
    """
    modes = risk.modes
    return config.strength * modes.left @ rotation(len(modes.values), config.seed) @ modes.right.T
