"""Parity: what the gradient at initialisation says about each target (homework 3c(iv))."""

from dataclasses import dataclass
from math import comb
from typing import Literal

import numpy as np

from pitfalls.experiments.registry import experiment
from pitfalls.experiments.sizes import refuse_sizes
from pitfalls.parity import (
    TwoLayerReLU,
    target_gradients,
)
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["TargetsConfig", "homework_runs", "measure_targets"]


@dataclass(frozen=True)
class TargetsConfig:
    """Networks whose gradients to compute for all 2^d targets.

    Parameters
    ----------
    n_features : int
        d.
    width_factor : int
        k = width_factor d.
    n_seeds : int
        Networks.
    loss : {"hinge", "square", "logistic"}
    seed : int
        Of the first network.
    """

    n_features: int = 12
    width_factor: int = 10
    n_seeds: int = 5
    loss: Literal["hinge", "square", "logistic"] = "hinge"
    seed: int = 123

    def __post_init__(self) -> None:
        refuse_sizes("TargetsConfig", (self.n_features,), self.width_factor, self.n_seeds)


QUANTILES = (0.0, 0.05, 0.5, 0.95, 1.0)


@experiment("parity-targets")
def measure_targets(config: TargetsConfig, run: Run, progress: Progress) -> None:
    """Compute how far every target's gradient lies from the shared part, by Hamming weight.

    Arrays ``weights``: ``by_weight`` of shape (n_seeds, d + 1, 1 + 5): the mean over masks of that
    weight, then the quantiles 0, .05, .5, .95, 1. Arrays ``first``: ``squared_distance`` of all
    masks for the first network, where d <= 14.
    """
    tables, signals = [], []
    d = config.n_features
    for i in range(config.n_seeds):
        network = TwoLayerReLU(d, config.width_factor * d, seed=config.seed + i)
        with progress(f"all 2^{d} targets, network {i + 1}", unit="units") as advance:
            gradients = target_gradients(network, config.loss, on_progress=advance)
        tables.append(gradients.by_weight(QUANTILES))
        signals.append(gradients.signal)
        run.log(network=i, signal=gradients.signal)
        if i == 0 and d <= 14:
            run.save_arrays("first", squared_distance=gradients.squared_distance)
    by_weight = np.array(tables)
    counts = np.array([comb(d, m) for m in range(d + 1)], dtype=float)
    share = counts * by_weight[..., 0] / (counts * by_weight[..., 0]).sum(1, keepdims=True)
    run.save_arrays("weights", by_weight=by_weight, share=share, quantiles=np.array(QUANTILES))
    mean = np.median(by_weight[..., 0], axis=0)
    run.save_results(
        {
            "d": d,
            "k": config.width_factor * d,
            "n": config.n_seeds,
            "signal": float(np.median(signals)),
            "rows": [
                {
                    "weight": m,
                    "masks": comb(d, m),
                    "mean": float(mean[m]),
                    "least": float(by_weight[:, m, 1].min()),
                    "largest": float(by_weight[:, m, -1].max()),
                    "over_signal": float(np.median(by_weight[:, m, 0] / np.array(signals))),
                    "share": float(np.median(share[:, m])),
                }
                for m in range(d + 1)
            ],
        }
    )


def homework_runs(scale: Literal["quick", "full"], seed: int) -> list[object]:
    """Return the config of the homework's look at every target."""
    return [TargetsConfig(n_features=12 if scale == "quick" else 16, n_seeds=5, seed=seed)]
