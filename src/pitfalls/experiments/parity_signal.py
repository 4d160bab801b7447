"""Parity: what the gradient at initialisation says about the target (homework 3c(iv))."""

from dataclasses import dataclass, field
from math import comb
from typing import Literal, get_args

import numpy as np

from pitfalls.errors import InputError
from pitfalls.experiments.parity_exact import refuse_sizes
from pitfalls.experiments.registry import NOT_IDENTITY, Progress, experiment
from pitfalls.parity import (
    HingeLoss,
    Loss,
    TwoLayerReLU,
    gradient_signal,
    named_loss,
    target_gradients,
)
from pitfalls.parity.loss import Boundary
from pitfalls.runs import Run

__all__ = ["SignalConfig", "TargetsConfig", "homework_runs", "measure_signal", "measure_targets"]


@dataclass(frozen=True)
class SignalConfig:
    """Networks at initialisation whose gradient signal to measure (homework 3c(iv)).

    Parameters
    ----------
    dimensions : tuple of int
        d; up to 30 the signal is exact, beyond it is sampled.
    width_factor : int
        k = width_factor d.
    n_seeds : int
        Networks for every d.
    loss : {"hinge", "square", "logistic"}
    boundary : {"relu", "clamp", "max"}
        Subgradient of the hinge loss at its kink.
    n_samples : int
        Inputs for each network where the signal is sampled.
    batch_size : int
        Batch whose signal-to-noise ratio is given.
    seed : int
        Of the first network.
    device : str
        ``cuda`` streams over the inputs there.
    """

    dimensions: tuple[int, ...] = (2, 4, 6, 8, 10, 12, 14, 16, 18, 20)
    width_factor: int = 10
    n_seeds: int = 10
    loss: Literal["hinge", "square", "logistic"] = "hinge"
    boundary: Boundary = "relu"
    n_samples: int = 20_000
    batch_size: int = 100
    seed: int = 123
    device: str = field(default="cpu", metadata=NOT_IDENTITY)

    def __post_init__(self) -> None:
        refuse_sizes("SignalConfig", self.dimensions, self.width_factor, self.n_seeds)
        if self.boundary not in get_args(Boundary):
            raise InputError(f"SignalConfig: unknown boundary {self.boundary!r}.")

    def measure(self) -> Loss:
        """Return the loss that is meant."""
        return HingeLoss(self.boundary) if self.loss == "hinge" else named_loss(self.loss)


SIGNAL_COLUMNS = (
    "d",
    "seed",
    "log2_signal",
    "mean_square",
    "low",
    "high",
    "variance",
    "C_p",
    "C_by_unit",
    "C_by_moments",
    "active",
    "evaluated",
    "signal_to_noise",
    "exact",
)


@experiment("parity-signal")
def measure_signal(config: SignalConfig, run: Run, progress: Progress) -> None:
    """Measure the exact gradient signal of networks at initialisation, against d.

    Arrays ``cells``: one row for every network, columns by name. Results: ``rows``, for every d the
    median, least and largest over networks. Goes on after the last finished network.
    """
    checkpoint = run.load_checkpoint()
    rows: list[list[float]] = []
    if checkpoint is not None:
        rows = np.asarray(checkpoint.tensors["rows"]).tolist()
    cells = [(d, config.seed + i) for d in config.dimensions for i in range(config.n_seeds)]
    loss = config.measure()
    for d, seed in cells[len(rows) :]:
        network = TwoLayerReLU(d, config.width_factor * d, seed=seed)
        with progress(f"signal, d = {d}, network {len(rows) + 1} of {len(cells)}", "inputs") as on:
            result = gradient_signal(
                network,
                loss,
                n_samples=config.n_samples,
                seed=seed,
                device="cuda" if config.device == "cuda" else None,
                on_progress=on,
            )
        bounds = result.bounds
        assert bounds is not None
        values: dict[str, float] = {
            "d": d,
            "seed": seed,
            "log2_signal": result.log2_signal,
            "mean_square": result.mean_square,
            "low": result.interval[0],
            "high": result.interval[1],
            "variance": result.variance,
            "C_p": bounds.homework,
            "C_by_unit": bounds.by_unit,
            "C_by_moments": bounds.by_moments,
            "active": result.active,
            "evaluated": result.n_evaluated / result.n_inputs,
            "signal_to_noise": result.signal_to_noise(config.batch_size),
            "exact": float(result.method != "sample"),
        }
        run.log(**values)
        rows.append([values[name] for name in SIGNAL_COLUMNS])
        run.save_checkpoint(step=len(rows), tensors={"rows": np.array(rows)})
    table = np.array(rows)
    columns = dict(zip(SIGNAL_COLUMNS, table.T, strict=True))
    run.save_arrays("cells", **columns)
    run.save_results(
        {
            "rows": [
                {
                    "d": d,
                    "k": config.width_factor * d,
                    "n": config.n_seeds,
                    "exact": bool(columns["exact"][columns["d"] == d].all()),
                    **_spread(columns, columns["d"] == d),
                }
                for d in dict.fromkeys(config.dimensions)
            ],
            "batch_size": config.batch_size,
        }
    )
    if not columns["exact"].all():
        run.warn("Beyond d = 30 the signal is an estimate from sampled inputs, not exact.")


def _spread(columns: dict[str, np.ndarray], pick: np.ndarray) -> dict[str, float]:
    part = {name: values[pick] for name, values in columns.items()}
    mean_square = part["mean_square"]
    return {
        "log2_signal": float(np.median(part["log2_signal"])),
        "mean_square": float(np.median(mean_square)),
        "mean_square_least": float(mean_square.min()),
        "mean_square_largest": float(mean_square.max()),
        "active": float(part["active"].min()),
        "signal_to_noise": float(np.median(part["signal_to_noise"])),
        "C_p_over": float(np.median(part["C_p"] / mean_square)),
        "C_by_unit_over": float(np.median(part["C_by_unit"] / mean_square)),
        "C_by_moments_over": float(np.median(part["C_by_moments"] / mean_square)),
    }


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
    """Return the configs of what homework 3c(iv) is about, measured."""
    quick = scale == "quick"
    # 5, 10 and 30 are the homework's own: the verdict on each of them quotes its signal
    dimensions = (2, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20)
    return [
        SignalConfig(
            dimensions=(*dimensions, 30) if quick else (*dimensions, 22, 24, 26, 28, 30),
            n_seeds=5 if quick else 10,
            seed=seed,
        ),
        TargetsConfig(n_features=12 if quick else 16, n_seeds=5, seed=seed),
    ]
