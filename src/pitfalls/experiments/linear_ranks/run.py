"""Fit every rank by descent, judge what it found, and score the maps on the pictures."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pitfalls.experiments.image_source import ImageSource
from pitfalls.experiments.linear_ranks.records import RankFit, RanksConfig, RanksResult
from pitfalls.experiments.linear_risk import load_risk
from pitfalls.experiments.linear_source import Problem, find_source
from pitfalls.experiments.linear_verdict import judge
from pitfalls.frame import Homework
from pitfalls.linear import SquaredRisk, classify, descend, end_to_end, small_start
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["homework", "run"]


def run(config: RanksConfig, run: Run, progress: Progress) -> RanksResult:
    """Descend once a rank; a stopped run starts again."""
    with progress("second moments", unit="rows") as advance:
        risk = load_risk(config.problem, advance, run)
    modes, source = risk.modes, config.problem.source
    ranks = range(1, min(config.max_rank, modes.rank) + 1)
    rows: list[RankFit] = []
    maps: list[npt.NDArray[np.float64]] = []  # on canonical inputs
    with progress("descent and verdict by rank", unit="ranks") as advance:
        for rank in ranks:
            row, product = _fit(config, risk, rank)
            rows.append(row)
            maps.append(product)
            run.log(rank=rank, risk=row.risk, verdict=row.point.verdict)
            advance(rank, ranks[-1])
    n_test = None
    if isinstance(source, ImageSource):
        n_test = len(source.load().test_labels)
        with progress("accuracy", unit="parts") as advance:
            train = _accuracies(source, "train", risk, maps)
            advance(1, 2)
            test = _accuracies(source, "test", risk, maps)
            advance(2, 2)
        rows = [
            replace(row, train_accuracy=a, test_accuracy=b)
            for row, a, b in zip(rows, train, test, strict=True)
        ]
    return RanksResult(
        data=config.problem.name,
        pictures=isinstance(source, ImageSource),
        n=risk.moments.n,
        n_test=n_test,
        n_features=risk.n_features,
        n_outputs=risk.n_outputs,
        n_layers=config.n_layers,
        rank_x=modes.rank_x,
        rank_yx=modes.rank,
        modes=np.asarray(modes.values[: modes.rank], dtype=np.float64),
        floor=float(modes.floor),
        risk_of_zero=float(modes.floor + 0.5 * np.sum(modes.values**2)),
        rows=tuple(rows),
    )


def homework(asked: Homework) -> tuple[RanksConfig, ...]:
    """Fit the pictures."""
    return (RanksConfig(Problem(find_source(asked.data, seed=asked.seed)), seed=asked.seed),)


def _fit(
    config: RanksConfig, risk: SquaredRisk, rank: int
) -> tuple[RankFit, npt.NDArray[np.float64]]:
    modes = risk.modes
    white, lift = risk.whitened(), modes.lift
    widths = (white.n_features, *[rank] * (config.n_layers - 1), white.n_outputs)
    # in units of the modes, so that one size serves all data
    unit = float(modes.values[0]) ** (1 / config.n_layers)
    start = [unit * config.strength * w for w in small_start(widths, 1.0, config.seed + rank)]
    found = descend(white, start, steps=config.steps, tol=1e-9, records=100)
    point = classify(risk, [found.weights[0] @ lift.T, *found.weights[1:]], tol=1e-6)
    product = np.asarray(end_to_end(found.weights), dtype=np.float64)
    row = RankFit(
        rank=rank,
        steps=int(found.steps),
        stopped=str(found.stopped),
        risk=float(risk.value([product @ lift.T])),
        minimum=float(risk.minimum(rank).value),
        relative_excess=float(point.excess / (0.5 * np.sum(modes.values**2))),
        point=judge(point),
    )
    return row, product


def _accuracies(
    source: ImageSource,
    part: Literal["train", "test"],
    risk: SquaredRisk,
    maps: list[npt.NDArray[np.float64]],
) -> list[float]:
    """Share of pictures whose largest output is their class; the intercept is the means'."""
    lift, moments = risk.modes.lift, risk.moments
    shift_x: Any = moments.mean_x if moments.center else np.zeros_like(moments.mean_x)
    shift_y: Any = moments.mean_y if moments.center else np.zeros_like(moments.mean_y)
    right = np.zeros(len(maps))
    n = 0
    for images, labels in source.load().flat_batches(part):
        canonical = images @ lift - shift_x @ lift
        for k, product in enumerate(maps):
            scores = canonical @ product.T + shift_y
            right[k] += np.count_nonzero(scores.argmax(axis=1) == labels)
        n += len(labels)
    return [float(value) for value in right / n]
