"""Evaluate the risk along a saddle's escape direction and across a plane with two verdicts."""

from dataclasses import replace

import numpy as np

from pitfalls.errors import InputError
from pitfalls.experiments.linear_classify.run import DIPS, line
from pitfalls.experiments.linear_landscape.records import LandscapeConfig, LandscapeResult
from pitfalls.experiments.linear_risk import load_risk
from pitfalls.experiments.linear_source import Planted, Problem
from pitfalls.experiments.linear_verdict import judge
from pitfalls.frame import Homework
from pitfalls.linear import (
    EscapeDirection,
    classify,
    critical_point,
    plane_through,
    risk_along,
    risk_on_plane,
)
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["homework", "run"]


def run(config: LandscapeConfig, run: Run, progress: Progress) -> LandscapeResult:
    """Make both points, judge them, and evaluate; a stopped run starts again."""
    risk = load_risk(config.problem, run=run)
    p = risk.n_outputs
    widths = config.widths or (risk.n_features, p, p, p)
    saddle = critical_point(risk, widths, config.held, "strict saddle", config.seed)
    top = list(range(1, min(risk.modes.rank, *widths) + 1))
    minimum = critical_point(risk, widths, top, "global minimum", config.seed)
    low, lowest = classify(risk, saddle), classify(risk, minimum)
    witness = low.witness
    if not isinstance(witness, EscapeDirection):
        raise InputError(
            f"linear landscape: the saddle came out {low.verdict}. Choose other modes with --held."
        )
    plane = plane_through(saddle, minimum, witness.direction)
    reach = 0.6 * plane.span
    a = np.linspace(-0.45 * plane.span, 1.45 * plane.span, config.grid)
    b = np.linspace(-reach, reach, config.grid)
    values = np.empty((config.grid, config.grid))
    with progress("risk on the plane", unit="rows") as advance:
        for row in range(config.grid):
            values[row] = risk_on_plane(risk, plane, a, b[row : row + 1])[0]
            advance(row + 1, config.grid)
    lengths, along_line = line(risk, tuple(saddle), list(witness.direction), DIPS * witness.step)
    along = np.linspace(-reach, reach, 61)
    path = [
        plane.coordinates([w + t * v for w, v in zip(saddle, witness.direction, strict=True)])
        for t in along
    ]
    return LandscapeResult(
        data=config.problem.name,
        widths=tuple(widths),
        saddle=judge(low),
        minimum=judge(lowest),
        curvature=float(witness.curvature),
        span=float(plane.span),
        a=a,
        b=b,
        risk=values,
        lengths=lengths,
        line=along_line,
        path=np.array(path, dtype=np.float64)[:, :2],
        path_risk=np.asarray(risk_along(risk, saddle, witness.direction, along), dtype=np.float64),
    )


def homework(asked: Homework) -> tuple[LandscapeConfig, ...]:
    """Draw the planted problem's second mode alone, at full size on a finer grid."""
    problem = Problem(replace(Planted(), seed=asked.seed))
    grid = 61 if asked.scale == "quick" else 121
    return (LandscapeConfig(problem, grid=grid, seed=asked.seed),)
