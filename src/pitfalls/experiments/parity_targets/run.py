"""Compute how far every target's gradient lies from the shared part, by Hamming weight."""

from math import comb

import numpy as np

from pitfalls.experiments.parity_targets.records import (
    QUANTILES,
    TargetsConfig,
    TargetsResult,
    WeightRow,
)
from pitfalls.frame import Homework
from pitfalls.parity import TwoLayerReLU, target_gradients
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["homework", "run"]

KEPT_TO = 14
"""Largest d at which the values of all masks are kept: 2^14 of them."""


def run(config: TargetsConfig, run: Run, progress: Progress) -> TargetsResult:
    """Take network after network; a stopped run starts again."""
    tables, signals, first = [], [], None
    d = config.n_features
    for i in range(config.n_seeds):
        network = TwoLayerReLU(d, config.width_factor * d, seed=config.seed + i)
        with progress(f"all 2^{d} targets, network {i + 1}", unit="units") as advance:
            gradients = target_gradients(network, config.loss, on_progress=advance)
        tables.append(gradients.by_weight(QUANTILES))
        signals.append(gradients.signal)
        run.log(network=i, signal=gradients.signal)
        if i == 0 and d <= KEPT_TO:
            first = np.asarray(gradients.squared_distance, dtype=np.float64)
    by_weight = np.array(tables, dtype=np.float64)
    counts = np.array([comb(d, m) for m in range(d + 1)], dtype=float)
    share = counts * by_weight[..., 0]
    share /= share.sum(1, keepdims=True)
    rows = tuple(
        WeightRow(
            weight=m,
            n_masks=comb(d, m),
            mean=float(np.median(by_weight[:, m, 0])),
            least=float(by_weight[:, m, 1].min()),
            largest=float(by_weight[:, m, -1].max()),
            over_signal=float(np.median(by_weight[:, m, 0] / np.array(signals))),
            share=float(np.median(share[:, m])),
        )
        for m in range(d + 1)
    )
    signal = float(np.median(signals))
    return TargetsResult(
        d, config.width_factor * d, config.n_seeds, signal, rows, by_weight, share, first
    )


def homework(asked: Homework) -> tuple[TargetsConfig, ...]:
    """Look at every target of five networks."""
    return (
        TargetsConfig(n_features=12 if asked.scale == "quick" else 16, n_seeds=5, seed=asked.seed),
    )
