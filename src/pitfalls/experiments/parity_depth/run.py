"""Measure layer gradients at the start, then train networks of each depth and activation."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from pitfalls.experiments.parity_depth.records import (
    MOST_PROBED,
    Activation,
    DepthConfig,
    DepthResult,
    DepthStart,
    TrainedDepth,
)
from pitfalls.frame import Homework
from pitfalls.parity import DeepNetwork, ParityTask, layer_gradients, named_loss, train_deep
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["homework", "run"]


def run(config: DepthConfig, run: Run, progress: Progress) -> DepthResult:
    """Train what is not there yet; a finished kind is kept."""
    training = config.training
    tasks = [
        ParityTask.random(config.n_features, training.seed + i, config.weight)
        for i in range(config.n_seeds)
    ]
    plan = [(a, depth) for a in config.activations for depth in config.depths]
    total = len(plan) * training.n_iterations
    with progress("training", unit="iterations") as advance:
        for p, (activation, depth) in enumerate(plan):
            part = f"{activation}-{depth}"
            if run.has(TrainedDepth, part=part):
                continue

            def report(done: int, before: int = p * training.n_iterations) -> None:
                advance(before + done, total)

            run.save(_train(tasks, activation, depth, config, report), part=part)
    found = tuple(
        run.load(TrainedDepth, part=f"{activation}-{depth}") for activation, depth in plan
    )
    for cell in found:
        run.log(
            step=training.n_iterations,
            activation=cell.activation,
            depth=cell.depth,
            median_accuracy=cell.median_accuracy,
        )
    return DepthResult(
        starts=tuple(_start(tasks, activation, config) for activation in config.activations),
        trained=found,
        n_features=config.n_features,
        weight=config.weight,
        width=config.width,
        shown=config.shown,
        n_seeds=config.n_seeds,
        n_iterations=training.n_iterations,
        learning_rate=training.learning_rate,
    )


def homework(asked: Homework) -> tuple[DepthConfig, ...]:
    """Train shallow and deep networks at d = 5."""
    base = replace(DepthConfig().training, seed=asked.seed)
    if asked.scale == "quick":
        return (DepthConfig(training=replace(base, n_iterations=2_000)),)
    long = replace(base, n_iterations=10_000, record_every=100)
    return (DepthConfig(depths=(1, 2, 3, 5), n_seeds=5, training=long),)


def _start(tasks: list[ParityTask], activation: Activation, config: DepthConfig) -> DepthStart:
    seen = []
    for i, task in enumerate(tasks):
        widths, seed = [config.width] * config.shown, config.training.seed + i
        network = DeepNetwork(config.n_features, widths, activation, seed=seed)
        if 1 << config.n_features <= MOST_PROBED:
            x = task.all_inputs()
        else:
            x, _ = task.sample(MOST_PROBED, torch.Generator().manual_seed(seed))
        seen.append(layer_gradients(network, x, task.labels(x), named_loss(config.training.loss)))
    names = ("gradient_norm", "message_norm", "message_bound")
    return DepthStart(
        activation,
        *(torch.stack([getattr(s, name) for s in seen]).double().numpy() for name in names),
    )


def _train(
    tasks: list[ParityTask],
    activation: Activation,
    depth: int,
    config: DepthConfig,
    advance: Callable[[int], None],
) -> TrainedDepth:
    results = train_deep(
        tasks,
        [config.width] * depth,
        activation,
        config.training,
        n_probe=MOST_PROBED,
        on_progress=lambda done, _: advance(done),
    )
    return TrainedDepth(
        activation=activation,
        depth=depth,
        step=results[0].curve.step,
        loss=np.stack([r.curve.loss for r in results]),
        accuracy=np.stack([r.curve.test_accuracy for r in results]),
        first_gradient=np.stack([r.gradient_norm[:, 0] for r in results]),
        final_accuracy=np.array([r.evaluation.accuracy for r in results]),
        final_risk=np.array([r.evaluation.risk for r in results]),
    )
