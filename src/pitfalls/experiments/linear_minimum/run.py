"""Solve reduced-rank regression for every rank."""

import numpy as np

from pitfalls.experiments.linear_minimum.records import LeastRisk, MinimumConfig, MinimumResult
from pitfalls.experiments.linear_risk import load_risk
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["run"]


def run(config: MinimumConfig, run: Run, progress: Progress) -> MinimumResult:
    """Take one pass over the data; a stopped run starts again."""
    with progress("second moments", unit="rows") as advance:
        risk = load_risk(config.problem, advance, run)
    modes = risk.modes
    highest = modes.rank if config.max_rank is None else config.max_rank
    rows = []
    for rank in range(min(highest, modes.rank) + 1):
        best = risk.minimum(rank)
        rows.append(LeastRisk(rank, float(best.value), bool(best.unique)))
    return MinimumResult(
        data=config.problem.name,
        n=risk.moments.n,
        n_features=risk.n_features,
        n_outputs=risk.n_outputs,
        rank_x=modes.rank_x,
        rank_yx=modes.rank,
        modes=np.asarray(modes.values[: modes.rank], dtype=np.float64),
        floor=float(modes.floor),
        floor_rounding=float(modes.floor_rounding),
        rows=tuple(rows),
        map=np.asarray(risk.minimum(highest).map, dtype=np.float64),
    )
