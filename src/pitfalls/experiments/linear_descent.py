"""Descent on deep linear networks: every mode against its exact solution, and from saddle to saddle."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from pitfalls.errors import InputError
from pitfalls.experiments.linear_source import LinearSource, Planted, load_risk
from pitfalls.experiments.linear_verdict import describe_point
from pitfalls.experiments.registry import experiment
from pitfalls.linear import (
    SquaredRisk,
    aligned_start,
    classify,
    critical_point,
    descend,
    factorize,
    mode_strength,
    small_start,
)
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["DescendConfig", "TourConfig"]


@dataclass(frozen=True)
class DescendConfig:
    """One descent on white inputs, from an aligned or a random small start, or off a saddle."""

    data: LinearSource = field(default_factory=Planted)
    hidden: tuple[int, ...] = (4, 4)
    method: Literal["gradient", "momentum", "flow"] = "flow"
    start: Literal["aligned", "random", "saddle"] = "aligned"
    size: float = 0.01
    learning_rate: float | None = None
    steps: int = 20_000
    seed: int = 123


@experiment("linear-descend")
def follow_descent(config: DescendConfig, run: Run, progress: Progress) -> None:
    """Go down and compare every mode's growth with the exact solution."""
    with progress("second moments", unit="rows") as advance:
        risk = load_risk(config.data, advance).whitened()
    widths = (risk.n_features, *config.hidden, risk.n_outputs)
    n_layers = len(widths) - 1
    if not config.size > 0:
        raise InputError(f"linear descend: size must be positive. Got {config.size}.")
    if config.start == "aligned":
        start = aligned_start(risk, widths, config.size)
    elif config.start == "random":
        start = small_start(widths, config.size ** (1 / n_layers), config.seed)
    else:
        start = critical_point(risk, widths, kind="strict saddle", random_state=config.seed)
    off_saddle = config.start == "saddle"
    method = "gradient" if off_saddle and config.method == "flow" else config.method
    with progress(method, unit="steps") as advance:
        found = descend(
            risk,
            start,
            method=method,
            learning_rate=config.learning_rate,
            steps=config.steps,
            leave_saddles=off_saddle,
            records=1000,
            on_progress=advance,
        )
    path = found.trajectory
    exact = np.full_like(path.strengths, np.nan)
    if config.start == "aligned" and config.method != "momentum":
        for k in range(min(risk.modes.rank, *widths)):
            target = float(risk.modes.values[k])
            exact[:, k] = mode_strength(path.time, target, config.size, n_layers)
    end = classify(risk, found.weights, tol=1e-6)
    modes = risk.modes.values[: risk.modes.rank]
    run.save_arrays("trajectory", exact=exact, modes=modes, **asdict(path))
    run.save_results(
        {
            "data": config.data.name,
            "widths": widths,
            "method": method,
            "start": config.start,
            "size": config.size,
            "steps": found.steps,
            "stopped": found.stopped,
            "learning_rate": found.learning_rate,
            "final_risk": path.risk[-1],
            "final_excess": path.excess[-1],
            "largest_gap_to_exact": (
                float(np.nanmax(np.abs(exact - path.strengths)))
                if np.isfinite(exact).any()
                else None
            ),
            "balancedness_drift": float(np.abs(path.balancedness - path.balancedness[0]).max()),
            "escapes": [asdict(escape) for escape in found.escapes],
            "end": describe_point(end),
        }
    )


@dataclass(frozen=True)
class TourConfig:
    """Gradient flow from tiny balanced weights, for several depths: the saddle-to-saddle staircase."""

    data: LinearSource = field(default_factory=Planted)
    depths: tuple[int, ...] = (2, 3, 4)
    size: float = 0.005
    seed: int = 123


@experiment("linear-tour")
def tour_saddles(config: TourConfig, run: Run, progress: Progress) -> None:
    """Follow the flow from near the origin, and name the saddles that it passes."""
    with progress("second moments", unit="rows") as advance:
        risk = load_risk(config.data, advance).whitened()
    modes, p = risk.modes, risk.n_outputs
    if min(config.depths) < 2 or not 0 < config.size < modes.values[0]:
        raise InputError(
            "linear tour: depths must be at least 2 and size between 0 and the strongest mode. Got "
            f"{config.depths} and {config.size}."
        )
    levels = [0.5 * float(np.sum(modes.values[rank:] ** 2)) for rank in range(modes.rank + 1)]
    tours = []
    for number, depth in enumerate(config.depths):
        widths = (risk.n_features, *[p] * (depth - 1), p)
        start = factorize(_rotated_start(risk, config), widths)
        with progress(f"{depth} layers", unit="thousandths") as advance:
            found = descend(risk, start, method="flow", records=600, on_progress=advance)
        path = found.trajectory
        visits = []
        for rank in range(modes.rank + 1):
            nearest = np.where(path.saddle_rank == rank, path.saddle_distance, np.inf)
            at = int(np.argmin(nearest))
            if not np.isfinite(nearest[at]):
                continue
            here = factorize(risk.minimum(rank).map, widths)
            verdict = classify(risk, here)
            visits.append(
                {
                    "rank": rank,
                    "distance": float(nearest[at]),
                    "time": float(path.time[at]),
                    "share_of_time": float(np.mean(path.saddle_rank == rank)),
                    "level": levels[rank],
                    "verdict": verdict.verdict,
                }
            )
        run.save_arrays(f"tour{number}", **asdict(path))
        tours.append(
            {"depth": depth, "widths": widths, "evaluations": found.steps, "visits": visits}
        )
        run.log(depth=depth, final_excess=float(path.excess[-1]))
    run.save_results(
        {
            "data": config.data.name,
            "modes": modes.values[: modes.rank],
            "levels": levels,
            "size": config.size,
            "tours": tours,
        }
    )


def _rotated_start(risk: SquaredRisk, config: TourConfig) -> Any:
    """Draw a small random rotation as the map to start from: no mode is favoured.

    Square layers cannot turn a map inside out: the flow never crosses a singular layer, so the
    determinant keeps its sign. One that is wrong would leave the weakest mode out for ever.
    """
    modes = risk.modes
    rng = np.random.default_rng(config.seed)
    rotation, _ = np.linalg.qr(rng.standard_normal((len(modes.values), len(modes.values))))
    if np.linalg.det(rotation) < 0:
        rotation[0] = -rotation[0]
    return config.size * modes.left @ rotation @ modes.right.T
