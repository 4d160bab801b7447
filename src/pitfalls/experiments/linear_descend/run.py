"""Go down and compare every mode's growth with the exact solution."""

from dataclasses import replace
from typing import Any

import numpy as np

from pitfalls.experiments.linear_descend.records import DescendConfig, DescendResult, Escaped
from pitfalls.experiments.linear_risk import load_risk
from pitfalls.experiments.linear_source import Planted, Problem
from pitfalls.experiments.linear_verdict import judge
from pitfalls.frame import Homework
from pitfalls.linear import (
    Descent,
    SquaredRisk,
    aligned_start,
    classify,
    critical_point,
    descend,
    mode_strength,
    small_start,
)
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["homework", "run"]


def run(config: DescendConfig, run: Run, progress: Progress) -> DescendResult:
    """Descend once; a stopped run starts again."""
    with progress("second moments", unit="rows") as advance:
        risk = load_risk(config.problem, advance, run).whitened()
    widths = (risk.n_features, *config.hidden, risk.n_outputs)
    off_saddle = config.start == "saddle"
    method = "gradient" if off_saddle and config.method == "flow" else config.method
    with progress(method, unit="steps") as advance:
        found = descend(
            risk,
            _start(config, risk, widths),
            method=method,
            learning_rate=config.learning_rate,
            steps=config.steps,
            leave_saddles=off_saddle,
            records=1000,
            on_progress=advance,
        )
    path = found.trajectory
    return DescendResult(
        data=config.problem.name,
        widths=widths,
        method=method,
        start=config.start,
        strength=config.strength,
        learning_rate=None if found.learning_rate is None else float(found.learning_rate),
        steps=int(found.steps),
        stopped=str(found.stopped),
        escapes=tuple(
            Escaped(
                int(e.step), e.verdict, tuple(e.modes), float(e.curvature), float(e.risk_before),
                float(e.risk_after),
            )
            for e in found.escapes
        ),
        end=judge(classify(risk, found.weights, tol=1e-6)),
        modes=np.asarray(risk.modes.values[: risk.modes.rank], dtype=np.float64),
        time=np.asarray(path.time, dtype=np.float64),
        excess=np.asarray(path.excess, dtype=np.float64),
        imbalance=np.asarray(path.balancedness, dtype=np.float64),
        strengths=np.asarray(path.strengths, dtype=np.float64),
        exact=_exact(config, risk, widths, found),
    )  # fmt: skip


def homework(asked: Homework) -> tuple[DescendConfig, ...]:
    """Follow the flow on the planted problem."""
    return (DescendConfig(Problem(replace(Planted(), seed=asked.seed)), seed=asked.seed),)


def _start(config: DescendConfig, risk: SquaredRisk, widths: tuple[int, ...]) -> Any:
    if config.start == "aligned":
        return aligned_start(risk, widths, config.strength)
    if config.start == "random":
        return small_start(widths, config.strength ** (1 / (len(widths) - 1)), config.seed)
    return critical_point(risk, widths, kind="strict saddle", random_state=config.seed)


def _exact(
    config: DescendConfig, risk: SquaredRisk, widths: tuple[int, ...], found: Descent
) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return each mode's closed form on the records' times, where it holds: aligned, no momentum."""
    path = found.trajectory
    exact = np.full_like(np.asarray(path.strengths, dtype=np.float64), np.nan)
    if config.start == "aligned" and config.method != "momentum":
        for k in range(min(risk.modes.rank, *widths)):
            target = float(risk.modes.values[k])
            exact[:, k] = mode_strength(path.time, target, config.strength, len(widths) - 1)
    return exact
