"""Gradient descent on parity: loss curves, one training, the signal along training."""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from pitfalls.errors import InputError
from pitfalls.experiments.parity_depth import DepthConfig
from pitfalls.experiments.parity_sweep import SweepConfig
from pitfalls.experiments.registry import experiment
from pitfalls.parity import (
    Evaluation,
    ParityTask,
    TrainingConfig,
    TrainingState,
    first_reached,
    gradient_signal,
    initial_state,
    target_signal,
    train,
)
from pitfalls.parity.train_config import LEARNED
from pitfalls.progress import Progress
from pitfalls.runs import NOT_IDENTITY, Run

__all__ = [
    "AlongConfig",
    "TrainRunConfig",
    "homework_runs",
    "measure_along",
    "train_one",
]

Case = tuple[int, int | None]
"""Dimension and mask weight; None: a mask drawn uniformly from {0, 1}^d, as in the homework."""


def _summary(evaluation: Evaluation) -> np.ndarray:
    return np.array(
        [
            evaluation.risk,
            evaluation.accuracy,
            evaluation.n_inputs,
            evaluation.exact,
            evaluation.risk_error,
            evaluation.accuracy_error,
        ],
        np.float64,
    )


# -- one training -----------------------------------------------------------------------------


@dataclass(frozen=True)
class TrainRunConfig:
    """One training.

    Parameters
    ----------
    mask : tuple of int
        v.
    training : TrainingConfig
    checkpoint_every : int
        Iterations between checkpoints.
    """

    mask: tuple[int, ...]
    training: TrainingConfig = field(default_factory=TrainingConfig)
    checkpoint_every: int = field(default=10_000, metadata=NOT_IDENTITY)


@experiment("parity-train")
def train_one(config: TrainRunConfig, run: Run, progress: Progress) -> None:
    """Train one network, log its curve, and keep the network (arrays ``network``: flat p)."""
    task = ParityTask(config.mask)
    checkpoint = run.load_checkpoint()
    state = None
    if checkpoint is not None:
        state = TrainingState.from_tensors(checkpoint.step, checkpoint.tensors)
    saved = 0 if state is None else state.step

    def keep(now: TrainingState) -> None:
        nonlocal saved
        curve = now.curve
        run.log(
            step=now.step,
            batch_loss=float(curve.batch_loss[-1]),
            loss=float(curve.loss[-1]),
            accuracy=float(curve.accuracy[-1]),
        )
        if now.step - saved >= config.checkpoint_every:
            run.save_checkpoint(step=now.step, tensors=now.tensors())
            saved = now.step

    with progress("training", unit="iterations") as advance:
        result = train(task, config.training, state=state, on_record=keep, on_progress=advance)
    run.save_arrays("network", parameters=result.state.parameters, mask=np.array(config.mask))
    run.save_arrays("curve", **vars(result.curve))
    evaluation = result.evaluation
    run.save_results(
        {
            "n_features": task.n_features,
            "n_hidden": result.network.n_hidden,
            "weight": task.weight,
            "risk": evaluation.risk,
            "risk_error": evaluation.risk_error,
            "accuracy": evaluation.accuracy,
            "accuracy_error": evaluation.accuracy_error,
            "n_inputs": evaluation.n_inputs,
            "exact": evaluation.exact,
            "iterations_to_99": result.curve.iterations_to(LEARNED),
        }
    )


# -- the signal along training ----------------------------------------------------------------


@dataclass(frozen=True)
class AlongConfig:
    """Trainings during which the exact gradient signal is measured.

    Parameters
    ----------
    cases : tuple of (d, weight or None)
    n_probes : int
        Measurements a training, evenly spread, besides the one at the start.
    training : TrainingConfig
    """

    cases: tuple[Case, ...] = ((18, 3), (18, 9))
    n_probes: int = 20
    training: TrainingConfig = field(default_factory=lambda: TrainingConfig(n_iterations=20_000))

    def __post_init__(self) -> None:
        if not self.cases or self.n_probes < 1:
            raise InputError("AlongConfig: give at least one case and one probe.")


@experiment("parity-along")
def measure_along(config: AlongConfig, run: Run, progress: Progress) -> None:
    """Train each case once and measure the gradient's signal on the way, over all inputs.

    Arrays ``case-<i>``: mask, step (of the probes), mean (E_v||grad R_v - a||^2), own
    (||grad R_v* - a||^2 of the target that is trained), shared (||a||^2), and the training's
    curve_step, curve_loss, curve_accuracy, evaluation.
    """
    training = config.training
    every = training.record_every
    n_records = -(-training.n_iterations // every)
    at = {0} | {
        min(round(i * n_records / config.n_probes) * every, training.n_iterations)
        for i in range(1, config.n_probes + 1)
    }
    total = len(config.cases) * len(at)
    with progress("signal along training", unit="probes") as advance:
        for c, (d, weight) in enumerate(config.cases):
            if run.has_arrays(f"case-{c}"):
                continue
            task = ParityTask.random(d, training.seed, weight)
            rows: list[tuple[float, ...]] = []

            def probe(
                state: TrainingState,
                c: int = c,
                task: ParityTask = task,
                rows: list[tuple[float, ...]] = rows,
            ) -> None:
                if state.step not in at:
                    return
                network = state.network(task.n_features)
                signal = gradient_signal(network, training.loss)
                own = target_signal(network, task, training.loss)
                rows.append((state.step, signal.signal, own, float(np.sum(signal.shared**2))))
                advance(c * len(at) + len(rows), total)

            probe(initial_state(task, training))
            result = train(task, training, on_record=probe)
            step, mean, own, shared = np.array(rows).T
            run.save_arrays(
                f"case-{c}",
                mask=np.array(task.mask, np.int8),
                step=step.astype(np.int64),
                mean=mean,
                own=own,
                shared=shared,
                curve_step=result.curve.step,
                curve_loss=result.curve.loss,
                curve_accuracy=result.curve.accuracy,
                evaluation=_summary(result.evaluation),
            )
    cases = []
    for c, (d, _) in enumerate(config.cases):
        arrays = run.arrays(f"case-{c}")
        ratio = arrays["own"] / arrays["mean"]
        for row in zip(*(arrays[name] for name in ("step", "mean", "own")), strict=True):
            run.log(step=int(row[0]), case=c, mean_signal=float(row[1]), own_signal=float(row[2]))
        cases.append(
            {
                "n_features": d,
                "weight": int(arrays["mask"].sum()),
                "accuracy": float(arrays["evaluation"][1]),
                "risk": float(arrays["evaluation"][0]),
                "mean_at_start": float(arrays["mean"][0]),
                "mean_at_end": float(arrays["mean"][-1]),
                "own_over_mean_at_start": float(ratio[0]),
                "own_over_mean_at_most": float(np.nanmax(ratio)),
                "iterations_to_99": first_reached(arrays["curve_step"], arrays["curve_accuracy"]),
            }
        )
    run.save_results({"cases": cases})


# -- the homework -----------------------------------------------------------------------------


def homework_runs(scale: Literal["quick", "full"], seed: int = 123) -> list[object]:
    """Return the configs behind the report's 3b, 3d and phase diagram.

    Parameters
    ----------
    scale : {"quick", "full"}
        Part (b) has the homework's own 5e4 iterations at either; ``full`` takes more seeds, and
        the sweep more cells and iterations.
    seed : int
        Handed to every config.
    """
    base = TrainingConfig(seed=seed)
    if scale == "quick":
        return [
            AlongConfig(training=replace(base, n_iterations=12_000), n_probes=12),
            DepthConfig(
                training=replace(base, n_iterations=2_000, learning_rate=0.1, record_every=50)
            ),
            SweepConfig(
                dimensions=(5, 10, 20, 30),
                weights=(1, 2, 3, 4, 6, 10),
                n_seeds=2,
                training=replace(base, n_iterations=20_000),
            ),
        ]
    return [
        AlongConfig(
            cases=((10, 3), (18, 3), (18, 9), (18, 18)),
            training=replace(base, n_iterations=50_000),
        ),
        DepthConfig(
            depths=(1, 2, 3, 5),
            n_seeds=5,
            training=replace(base, n_iterations=10_000, learning_rate=0.1, record_every=100),
        ),
        SweepConfig(
            dimensions=(5, 10, 15, 20, 25, 30),
            weights=(1, 2, 3, 4, 5, 6, 8, 10, 12, 15),
            n_seeds=5,
            training=base,
        ),
    ]
