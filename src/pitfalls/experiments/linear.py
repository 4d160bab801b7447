"""Experiments on deep linear networks (homework 2): capacity, minima, verdicts, descent, landscape."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from pitfalls.errors import CapacityError, InputError
from pitfalls.experiments.linear_descent import DescendConfig, TourConfig
from pitfalls.experiments.linear_homework import LinearHomeworkConfig
from pitfalls.experiments.linear_ranks import RanksConfig
from pitfalls.experiments.linear_source import LinearSource, Planted, find_source, load_risk
from pitfalls.experiments.linear_verdict import describe_point
from pitfalls.experiments.registry import experiment
from pitfalls.linear import (
    CriticalKind,
    EscapeDirection,
    SquaredRisk,
    balancedness,
    classify,
    critical_point,
    end_to_end,
    factorize,
    nearest_representable,
    numerical_rank,
    plane_through,
    risk_along,
    risk_on_plane,
)
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = [
    "CapacityConfig",
    "ClassifyConfig",
    "DescendConfig",
    "LandscapeConfig",
    "LinearHomeworkConfig",
    "MinimumConfig",
    "RanksConfig",
    "TourConfig",
    "describe_point",
    "homework_runs",
]


@dataclass(frozen=True)
class CapacityConfig:
    """A random target of a given rank, and the widths that should represent it."""

    widths: tuple[int, ...] = (8, 6, 4, 6)
    rank: int = 4
    seed: int = 123


@experiment("linear-capacity")
def measure_capacity(config: CapacityConfig, run: Run, progress: Progress) -> None:
    """Factorise a target where its rank allows it, and measure how far off it is where not."""
    d, p = config.widths[0], config.widths[-1]
    if not 0 <= config.rank <= min(d, p):
        raise InputError(
            f"linear capacity: rank must be from 0 to {min(d, p)} for a {p} x {d} target. "
            f"Got {config.rank}."
        )
    rng = np.random.default_rng(config.seed)
    target = rng.standard_normal((p, config.rank)) @ rng.standard_normal((config.rank, d))
    nearest = nearest_representable(target, config.widths)
    size = float(np.linalg.norm(target)) or 1.0
    try:
        layers = factorize(target, config.widths)
        refusal = None
    except CapacityError as error:
        layers, refusal = factorize(nearest, config.widths), str(error)
    distances = [
        float(np.linalg.norm(target - nearest_representable(target, (d, width, p)))) / size
        for width in range(1, min(d, p) + 2)
    ]
    run.save_arrays("layers", target=target, **{f"w{i}": w for i, w in enumerate(layers, start=1)})
    run.save_results(
        {
            "widths": config.widths,
            "capacity": min(config.widths),
            "rank": numerical_rank(target),
            "representable": refusal is None,
            "refusal": refusal,
            "relative_error": float(np.linalg.norm(end_to_end(layers) - target)) / size,
            "balancedness": balancedness(layers),
            "singular_values": np.linalg.svd(target, compute_uv=False),
            "distance_by_narrowest_width": distances,
        }
    )


@dataclass(frozen=True)
class MinimumConfig:
    """The least risk by rank of a data set."""

    data: LinearSource = field(default_factory=Planted)
    max_rank: int | None = None


@experiment("linear-minimum")
def find_minimum(config: MinimumConfig, run: Run, progress: Progress) -> None:
    """Solve reduced-rank regression for every rank."""
    with progress("second moments", unit="rows") as advance:
        risk = load_risk(config.data, advance)
    modes = risk.modes
    if config.max_rank is not None and config.max_rank < 0:
        raise InputError(f"linear minimum: the rank must be at least 0. Got {config.max_rank}.")
    highest = modes.rank if config.max_rank is None else config.max_rank
    rows = []
    for rank in range(min(highest, modes.rank) + 1):
        best = risk.minimum(rank)
        rows.append({"rank": rank, "risk": best.value, "unique": best.unique})
    run.save_arrays("minimum", map=risk.minimum(highest).map, modes=modes.values)
    run.save_results(
        {
            "data": config.data.name,
            "n": risk.moments.n,
            "n_features": risk.n_features,
            "n_outputs": risk.n_outputs,
            "centred": risk.moments.center,
            "rank_x": modes.rank_x,
            "rank_yx": modes.rank,
            "modes": modes.values[: modes.rank],
            "floor": modes.floor,
            "floor_rounding": modes.floor_rounding,
            "by_rank": rows,
        }
    )


@dataclass(frozen=True)
class ClassifyConfig:
    """One point: made to order (modes, kind), or the layers of an .npz file by their hash."""

    data: LinearSource = field(default_factory=Planted)
    widths: tuple[int, ...] = (6, 4, 4, 4)
    modes: tuple[int, ...] | None = None
    kind: CriticalKind | None = None
    layers: tuple[tuple[tuple[float, ...], ...], ...] | None = None
    tol: float = 1e-8
    seed: int = 123


@experiment("linear-classify")
def classify_point(config: ClassifyConfig, run: Run, progress: Progress) -> None:
    """Give one point its verdict, and the risk along the direction that shows it."""
    with progress("second moments", unit="rows") as advance:
        risk = load_risk(config.data, advance)
    if config.layers is not None:
        weights = tuple(np.array(w, dtype=np.float64) for w in config.layers)
    else:
        weights = critical_point(risk, config.widths, config.modes, config.kind, config.seed)
    with progress("verdict", unit="points") as advance:
        found = classify(risk, weights, tol=config.tol)
        advance(1, 1)
    if isinstance(found.witness, EscapeDirection):
        direction = list(found.witness.direction)
    elif found.verdict == "not critical":
        direction = [-g for g in risk.layer_gradients(weights)]
    else:
        rng = np.random.default_rng(config.seed)
        direction = [rng.standard_normal(w.shape) for w in weights]
    size = np.sqrt(sum(float(np.sum(v**2)) for v in direction))
    direction = [v / size for v in direction]
    lengths, values = _line(risk, weights, direction)
    run.save_arrays(
        "line",
        lengths=lengths,
        risk=values,
        **{f"w{i}": w for i, w in enumerate(weights, start=1)},
        **{f"v{i}": v for i, v in enumerate(direction, start=1)},
    )
    run.save_results(
        {
            "data": config.data.name,
            "widths": (weights[0].shape[1], *(len(w) for w in weights)),
            "minimum": found.risk - found.excess,
            **describe_point(found),
        }
    )


@dataclass(frozen=True)
class LandscapeConfig:
    """The line down from a strict saddle, and the plane through it and a global minimum."""

    data: LinearSource = field(default_factory=Planted)
    widths: tuple[int, ...] = (6, 4, 4, 4)
    modes: tuple[int, ...] = (2,)
    grid: int = 61
    seed: int = 123


@experiment("linear-landscape")
def draw_landscape(config: LandscapeConfig, run: Run, progress: Progress) -> None:
    """Evaluate the risk along a saddle's escape direction and across a plane with two verdicts."""
    if config.grid < 3:
        raise InputError(f"linear landscape: grid must be at least 3. Got {config.grid}.")
    risk = load_risk(config.data)
    saddle = critical_point(risk, config.widths, config.modes, "strict saddle", config.seed)
    top = range(1, min(risk.modes.rank, *config.widths) + 1)
    minimum = critical_point(risk, config.widths, list(top), "global minimum", config.seed)
    verdicts = [classify(risk, point) for point in (saddle, minimum)]
    witness = verdicts[0].witness
    if not isinstance(witness, EscapeDirection):
        raise InputError(
            f"linear landscape: the saddle came out {verdicts[0].verdict}. Choose other modes."
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
    lengths, line = _line(risk, saddle, list(witness.direction))
    along = np.linspace(-reach, reach, 61)
    path = [
        plane.coordinates([w + t * v for w, v in zip(saddle, witness.direction, strict=True)])
        for t in along
    ]
    run.save_arrays(
        "landscape",
        a=a,
        b=b,
        risk=values,
        line_lengths=lengths,
        line_risk=line,
        escape_path=np.array(path)[:, :2],
        escape_risk=risk_along(risk, saddle, witness.direction, along),
        markers=np.array([[0.0, 0.0], [plane.span, 0.0]]),
    )
    run.save_results(
        {
            "data": config.data.name,
            "widths": config.widths,
            "minimum": verdicts[1].risk,
            "span": plane.span,
            "curvature": witness.curvature,
            "points": [
                {"at": (0.0, 0.0), **describe_point(verdicts[0])},
                {"at": (plane.span, 0.0), **describe_point(verdicts[1])},
            ],
        }
    )


def _line(risk: SquaredRisk, weights: tuple[Any, ...], direction: list[Any]) -> tuple[Any, Any]:
    """Evaluate the risk along a direction, out to where it has risen by a mode's worth."""
    here = float(risk.value(weights))
    rise = 0.5 * float(np.sum(risk.modes.values**2)) or 1.0
    reach = 1e-6
    while (
        reach < 1e6
        and np.ptp(risk_along(risk, weights, direction, np.array([-reach, reach])) - here)
        + abs(float(risk_along(risk, weights, direction, np.array([reach]))[0]) - here)
        < rise
    ):
        reach *= 1.25
    lengths = np.linspace(-reach, reach, 201)
    return lengths, risk_along(risk, weights, direction, lengths)


def homework_runs(scale: Literal["quick", "full"], data: str | None, seed: int) -> list[object]:
    """Return the configs that the report's part on linear networks needs.

    Parameters
    ----------
    scale : "quick" or "full"
        Full draws the landscape's plane on a finer grid; both take all pictures.
    data : str or None
        Pictures, as `load_dataset` takes them.
    seed : int
    """
    planted = Planted(seed=seed)
    pictures = find_source(data, seed=seed)
    return [
        LinearHomeworkConfig(seed=seed),
        CapacityConfig(seed=seed),
        LandscapeConfig(data=planted, seed=seed, grid=61 if scale == "quick" else 121),
        DescendConfig(data=planted, seed=seed),
        TourConfig(data=planted, seed=seed),
        RanksConfig(data=pictures, seed=seed),
    ]
