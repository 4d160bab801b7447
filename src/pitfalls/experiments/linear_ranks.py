"""Pictures by rank: what the best map of rank 1, 2, ... sees, and whether descent finds it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pitfalls.errors import InputError
from pitfalls.experiments.image_source import ImageSource
from pitfalls.experiments.linear_source import ArraySource, LinearSource, Planted, load_risk
from pitfalls.experiments.registry import experiment
from pitfalls.linear import SquaredRisk, classify, descend, small_start
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["RanksConfig"]


@dataclass(frozen=True)
class RanksConfig:
    """Networks whose hidden width grows: d-r-...-r-p, trained by gradient descent on white inputs."""

    data: LinearSource = field(default_factory=Planted)
    max_rank: int = 9
    n_layers: int = 3
    size: float = 0.1
    steps: int = 200_000
    seed: int = 123


@experiment("linear-ranks")
def fit_ranks(config: RanksConfig, run: Run, progress: Progress) -> None:
    """Fit every rank by descent, judge what it found, and score the maps on the pictures."""
    if config.max_rank < 1 or config.n_layers < 2:
        raise InputError(
            "linear ranks: max_rank must be at least 1 and n_layers at least 2. Got "
            f"{config.max_rank} and {config.n_layers}."
        )
    with progress("second moments", unit="rows") as advance:
        risk = load_risk(config.data, advance)
    modes = risk.modes
    white, lift = risk.whitened(), modes.lift
    m, p = white.n_features, white.n_outputs
    ranks = range(1, min(config.max_rank, modes.rank) + 1)
    rows: list[dict[str, Any]] = []
    maps: list[npt.NDArray[np.float64]] = []  # on canonical inputs
    with progress("descent and verdict by rank", unit="ranks") as advance:
        for rank in ranks:
            widths = (m, *[rank] * (config.n_layers - 1), p)
            # in units of the modes, so that one size serves all data
            unit = float(modes.values[0]) ** (1 / config.n_layers)
            start = [unit * config.size * w for w in small_start(widths, 1.0, config.seed + rank)]
            found = descend(white, start, steps=config.steps, tol=1e-9, records=100)
            point = classify(risk, [found.weights[0] @ lift.T, *found.weights[1:]], tol=1e-6)
            product = found.weights[0]
            for w in found.weights[1:]:
                product = w @ product
            maps.append(product)
            best = risk.minimum(rank)
            rows.append(
                {
                    "rank": rank,
                    "steps": found.steps,
                    "stopped": found.stopped,
                    "risk": float(risk.value([product @ lift.T])),
                    "minimum": best.value,
                    "relative_excess": point.excess / (0.5 * float(np.sum(modes.values**2))),
                    "verdict": point.verdict,
                    "decided_by": point.decided_by,
                    "modes": point.modes,
                }
            )
            run.log(rank=rank, risk=rows[-1]["risk"], verdict=point.verdict)
            advance(rank, ranks[-1])
    best_maps = [(modes.left[:, :r] * modes.values[:r]) @ np.eye(m)[:r] for r in ranks]
    if isinstance(config.data, ImageSource):
        with progress("accuracy", unit="parts") as advance:
            for done, part in enumerate(("train", "test"), start=1):
                scores = _accuracies(config.data, part, risk, [*maps, *best_maps])
                for row, a, b in zip(rows, scores[: len(rows)], scores[len(rows) :], strict=True):
                    row[f"{part}_accuracy"], row[f"{part}_accuracy_of_minimum"] = a, b
                advance(done, 2)
    n_test = len(config.data.load().test_labels) if isinstance(config.data, ImageSource) else None
    run.save_arrays("modes", values=modes.values, maps=np.array(maps))
    run.save_results(
        {
            "data": config.data.name,
            "n": risk.moments.n,
            "n_test": n_test,
            "n_features": risk.n_features,
            "n_outputs": risk.n_outputs,
            "n_layers": config.n_layers,
            "rank_x": modes.rank_x,
            "rank_yx": modes.rank,
            "modes": modes.values[: modes.rank],
            "floor": modes.floor,
            "risk_of_zero": modes.floor + 0.5 * float(np.sum(modes.values**2)),
            "has_accuracy": not isinstance(config.data, Planted | ArraySource),
            "rows": rows,
        }
    )


def _accuracies(
    source: ImageSource,
    part: Any,
    risk: SquaredRisk,
    maps: list[npt.NDArray[np.float64]],
) -> list[float]:
    """Share of pictures whose largest output, intercept included, is their class."""
    lift, moments = risk.modes.lift, risk.moments
    right = np.zeros(len(maps))
    n = 0
    for images, labels in source.load().flat_batches(part):
        canonical = images @ lift - moments.mean_x @ lift
        for k, end_to_end in enumerate(maps):
            scores = canonical @ end_to_end.T + moments.mean_y
            right[k] += np.count_nonzero(scores.argmax(axis=1) == labels)
        n += len(labels)
    return [float(value) for value in right / n]
