"""Measure the exact gradient signal of networks at initialisation, against d."""

from dataclasses import fields

import numpy as np

from pitfalls.experiments.parity_signal.records import (
    SignalCells,
    SignalConfig,
    SignalResult,
    SignalRow,
)
from pitfalls.frame import Homework
from pitfalls.parity import HingeLoss, Loss, TwoLayerReLU, gradient_signal, named_loss
from pitfalls.progress import Advance, Progress
from pitfalls.runs import Run

__all__ = ["homework", "run"]

COLUMNS = tuple(field.name for field in fields(SignalCells))


def run(config: SignalConfig, run: Run, progress: Progress) -> SignalResult:
    """Measure network after network; goes on after the last finished one."""
    checkpoint = run.load_checkpoint()
    rows = [] if checkpoint is None else np.asarray(checkpoint.tensors["rows"]).tolist()
    dimensions = dict.fromkeys(config.n_features)  # one that is named twice is measured once
    asked = [(d, config.seed + i) for d in dimensions for i in range(config.n_seeds)]
    for d, seed in asked[len(rows) :]:
        with progress(f"signal, d = {d}, network {len(rows) + 1} of {len(asked)}", "inputs") as on:
            values = _measure(config, d, seed, on)
        run.log(**values)
        rows.append([values[name] for name in COLUMNS])
        run.save_checkpoint(step=len(rows), tensors={"rows": np.array(rows)})
    columns = dict(zip(COLUMNS, np.array(rows, dtype=np.float64).T, strict=True))
    cells = SignalCells(
        **{
            **columns,
            "n_features": columns["n_features"].astype(np.int64),
            "seed": np.array([seed for _, seed in asked], np.int64),  # beyond what floats hold
            "exact": columns["exact"] == 1,
        }
    )
    result = SignalResult(
        tuple(_row(config, cells, d) for d in dimensions),
        cells,
        config.batch_size,
    )
    if not result.exact:
        run.warn("Beyond d = 30 the signal is an estimate from sampled inputs, not exact.")
    return result


def homework(asked: Homework) -> tuple[SignalConfig, ...]:
    """Measure every dimension that the homework names, and those between."""
    # 5, 10 and 30 are the homework's own: the verdict on each of them quotes its signal
    dimensions = (2, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20)
    quick = asked.scale == "quick"
    return (
        SignalConfig(
            n_features=(*dimensions, 30) if quick else (*dimensions, 22, 24, 26, 28, 30),
            n_seeds=5 if quick else 10,
            seed=asked.seed,
        ),
    )


def _measure(config: SignalConfig, d: int, seed: int, on_progress: Advance) -> dict[str, float]:
    loss: Loss = HingeLoss(config.boundary) if config.loss == "hinge" else named_loss(config.loss)
    found = gradient_signal(
        TwoLayerReLU(d, config.width_factor * d, seed=seed),
        loss,
        n_samples=config.n_samples,
        seed=seed,
        device="cuda" if config.device == "cuda" else None,
        on_progress=on_progress,
    )
    bounds = found.bounds
    assert bounds is not None
    return {
        "n_features": d,
        "seed": seed,
        "log2_signal": found.log2_signal,
        "mean_square": found.mean_square,
        "by_homework": bounds.homework,
        "by_unit": bounds.by_unit,
        "by_moments": bounds.by_moments,
        "active": found.active,
        "signal_to_noise": found.signal_to_noise(config.batch_size),
        "exact": float(found.method != "sample"),
    }


def _row(config: SignalConfig, cells: SignalCells, d: int) -> SignalRow:
    pick = cells.n_features == d
    mean_square = cells.mean_square[pick]
    return SignalRow(
        n_features=d,
        n_hidden=config.width_factor * d,
        n=config.n_seeds,
        exact=bool(cells.exact[pick].all()),
        log2_signal=float(np.median(cells.log2_signal[pick])),
        mean_square=float(np.median(mean_square)),
        mean_square_least=float(mean_square.min()),
        mean_square_largest=float(mean_square.max()),
        signal_to_noise=float(np.median(cells.signal_to_noise[pick])),
        by_homework_over=float(np.median(cells.by_homework[pick] / mean_square)),
        by_unit_over=float(np.median(cells.by_unit[pick] / mean_square)),
        by_moments_over=float(np.median(cells.by_moments[pick] / mean_square)),
    )
