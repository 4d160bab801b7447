"""Deep networks on parity (homework 3d): gradients layer by layer, and what is learned."""

from dataclasses import dataclass, field
from typing import get_args

import numpy as np
import torch

from pitfalls.errors import InputError
from pitfalls.experiments.registry import experiment
from pitfalls.parity import (
    DeepNetwork,
    ParityTask,
    TrainingConfig,
    first_reached,
    layer_gradients,
    train_deep,
)
from pitfalls.parity.depth import Activation
from pitfalls.parity.train_config import LEARNED
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["DepthConfig", "measure_depth"]


@dataclass(frozen=True)
class DepthConfig:
    """Deep networks on parity (homework 3d).

    Parameters
    ----------
    n_features, weight : int
        d, and |v| of the masks.
    width : int
        Of every hidden layer.
    depths : tuple of int
        Numbers of hidden layers that are trained.
    shown : int
        Hidden layers of the networks whose gradients are shown layer by layer at the start.
    activations : tuple of {"sigmoid", "tanh", "relu"}
    n_seeds : int
    training : TrainingConfig
    """

    n_features: int = 5
    weight: int = 3
    width: int = 50
    depths: tuple[int, ...] = (1, 2, 4)
    shown: int = 8
    activations: tuple[Activation, ...] = ("sigmoid", "relu")
    n_seeds: int = 3
    training: TrainingConfig = field(
        default_factory=lambda: TrainingConfig(
            n_iterations=3_000, learning_rate=0.1, record_every=50
        )
    )

    def __post_init__(self) -> None:
        unknown = set(self.activations) - set(get_args(Activation))
        if unknown or not self.activations:
            raise InputError(
                f"DepthConfig: activations must be of {', '.join(get_args(Activation))}. "
                f"Got {', '.join(map(str, self.activations)) or 'none'}."
            )
        if not self.depths or min(*self.depths, self.shown, self.n_seeds, self.width) < 1:
            raise InputError("DepthConfig: depths, width and seeds must be at least 1.")


@experiment("parity-depth")
def measure_depth(config: DepthConfig, run: Run, progress: Progress) -> None:
    """Measure layer gradients at the start, then train networks of each depth and activation.

    Arrays ``start-<activation>``: gradient_norm, gradient_bound, message_norm, message_bound,
    spectral_norm, each (seeds, shown + 1). Arrays ``<activation>-<depth>``: step, loss, accuracy
    (seeds, records), gradient_norm and gradient_bound (seeds, records + 1, depth + 1),
    final_accuracy, final_risk (seeds,).
    """
    training = config.training
    tasks = [
        ParityTask.random(config.n_features, training.seed + i, config.weight)
        for i in range(config.n_seeds)
    ]
    for activation in config.activations:
        seen = []
        for i, task in enumerate(tasks):
            network = DeepNetwork(
                config.n_features,
                [config.width] * config.shown,
                activation,
                seed=training.seed + i,
            )
            x = task.all_inputs()
            seen.append(layer_gradients(network, x, task.labels(x)))
        run.save_arrays(
            f"start-{activation}",
            **{name: torch.stack([getattr(s, name) for s in seen]) for name in vars(seen[0])},
        )
    plan = [(a, depth) for a in config.activations for depth in config.depths]
    with progress("training", unit="iterations") as advance:
        for p, (activation, depth) in enumerate(plan):
            name = f"{activation}-{depth}"
            if run.has_arrays(name):
                continue

            def report(done: int, total: int, before: int = p) -> None:
                advance(before * total + done, len(plan) * total)

            results = train_deep(
                tasks, [config.width] * depth, activation, training, on_progress=report
            )
            run.save_arrays(
                name,
                step=results[0].curve.step,
                loss=np.stack([r.curve.loss for r in results]),
                accuracy=np.stack([r.curve.accuracy for r in results]),
                gradient_norm=np.stack([r.gradient_norm for r in results]),
                gradient_bound=np.stack([r.gradient_bound for r in results]),
                final_accuracy=np.array([r.evaluation.accuracy for r in results]),
                final_risk=np.array([r.evaluation.risk for r in results]),
            )
    cells = []
    for activation, depth in plan:
        arrays = run.arrays(f"{activation}-{depth}")
        reached = [first_reached(arrays["step"], row) for row in arrays["accuracy"]]
        first = arrays["gradient_norm"][:, :, 0]
        cell = {
            "activation": activation,
            "depth": depth,
            "n": config.n_seeds,
            "accuracy": arrays["final_accuracy"].tolist(),
            "median_accuracy": float(np.median(arrays["final_accuracy"])),
            "n_learned": int(np.sum(arrays["final_accuracy"] >= LEARNED)),
            "iterations_to_99": reached,
            "first_gradient_at_start": float(np.median(first[:, 0])),
            "first_gradient_at_most": float(np.median(first.max(axis=1))),
        }
        cells.append(cell)
        run.log(
            step=training.n_iterations,
            activation=activation,
            depth=depth,
            median_accuracy=cell["median_accuracy"],
        )
    starts = {}
    for activation in config.activations:
        arrays = run.arrays(f"start-{activation}")
        ratio = arrays["message_norm"][:, :-1] / arrays["message_norm"][:, 1:]
        starts[activation] = {
            "factor_per_layer": float(np.exp(np.log(ratio[:, :-1]).mean())),
            "bound_per_layer": float(
                np.mean(arrays["message_bound"][:, 1] / arrays["message_bound"][:, 2])
            ),
            "first_over_last": float(
                np.median(arrays["gradient_norm"][:, 0] / arrays["gradient_norm"][:, -1])
            ),
        }
    run.save_results({"cells": cells, "start": starts, "shown": config.shown})
