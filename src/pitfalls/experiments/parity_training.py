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
    TrainingResult,
    TrainingState,
    first_reached,
    gradient_signal,
    initial_state,
    target_signal,
    train,
    train_ensemble,
)
from pitfalls.parity.train_records import LEARNED
from pitfalls.progress import Progress
from pitfalls.runs import NOT_IDENTITY, Run

__all__ = [
    "AlongConfig",
    "CurvesConfig",
    "TrainRunConfig",
    "homework_runs",
    "measure_along",
    "measure_curves",
    "train_one",
]

Case = tuple[int, int | None]
"""Dimension and mask weight; None: a mask drawn uniformly from {0, 1}^d, as in the homework."""

HOMEWORK_CASES: tuple[Case, ...] = ((5, None), (10, None), (30, None), (30, 2), (30, 3))


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


# -- loss curves: homework 3b -----------------------------------------------------------------


@dataclass(frozen=True)
class CurvesConfig:
    """Several trainings side by side (homework 3b).

    Parameters
    ----------
    cases : tuple of (d, weight or None)
        Each is trained ``n_seeds`` times, with a mask, weights and inputs of its own each time.
    n_seeds : int
    training : TrainingConfig
        ``seed`` is that of the first replica.
    threads : int, optional
        Replicas at a time.
    device : str
    """

    cases: tuple[Case, ...] = HOMEWORK_CASES
    n_seeds: int = 5
    training: TrainingConfig = field(default_factory=TrainingConfig)
    threads: int | None = field(default=None, metadata=NOT_IDENTITY)
    device: str = field(default="cpu", metadata=NOT_IDENTITY)

    def __post_init__(self) -> None:
        if not self.cases or self.n_seeds < 1:
            raise InputError("CurvesConfig: give at least one case and one seed.")


@experiment("parity-curves")
def measure_curves(config: CurvesConfig, run: Run, progress: Progress) -> None:
    """Train every case from several seeds and keep each loss curve.

    Arrays ``replica-<i>``: mask, step, batch_loss, loss, accuracy, evaluation (risk, accuracy,
    inputs, exact, and the two standard errors), diverged. Replica i is seed i % n_seeds of case
    i // n_seeds.
    """
    tasks, trainings = [], []
    for d, weight in config.cases:
        for i in range(config.n_seeds):
            seed = config.training.seed + i
            tasks.append(ParityTask.random(d, seed, weight))
            trainings.append(replace(config.training, seed=seed))
    left = [i for i in range(len(tasks)) if not run.has_arrays(_replica(i))]

    def keep(at: int, result: TrainingResult) -> None:
        run.save_arrays(
            _replica(left[at]),
            mask=np.array(result.task.mask, np.int8),
            diverged=np.array(result.diverged),
            evaluation=_summary(result.evaluation),
            **vars(result.curve),
        )

    with progress("training", unit="iterations") as advance:
        train_ensemble(
            [tasks[i] for i in left],
            [trainings[i] for i in left],
            device=config.device,
            n_threads=config.threads,
            on_result=keep,
            on_progress=advance,
        )

    cases = []
    for c, (d, weight) in enumerate(config.cases):
        members = [run.arrays(_replica(c * config.n_seeds + i)) for i in range(config.n_seeds)]
        risk = [float(m["evaluation"][0]) for m in members]
        accuracy = [float(m["evaluation"][1]) for m in members]
        reached = [first_reached(m["step"], m["accuracy"]) for m in members]
        cases.append(
            {
                "n_features": d,
                "weight": weight,
                "weights": [int(m["mask"].sum()) for m in members],
                "n": config.n_seeds,
                "exact": bool(members[0]["evaluation"][3]),
                "n_inputs": int(members[0]["evaluation"][2]),
                "risk": risk,
                "accuracy": accuracy,
                "median_risk": float(np.median(risk)),
                "median_accuracy": float(np.median(accuracy)),
                "iterations_to_99": reached,
                "n_learned": sum(value >= LEARNED for value in accuracy),
            }
        )
        for i, member in enumerate(members):
            if member["diverged"]:
                run.warn(
                    f"d = {d}, seed {config.training.seed + i}: training diverged at iteration "
                    f"{member['step'][-1] if member['step'].size else 0}"
                )
            run.log(
                step=config.training.n_iterations,
                n_features=d,
                weight=int(member["mask"].sum()),
                seed=config.training.seed + i,
                risk=risk[i],
                accuracy=accuracy[i],
            )
    run.save_results({"cases": cases, "n_iterations": config.training.n_iterations})


def _replica(i: int) -> str:
    return f"replica-{i:03d}"


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
            CurvesConfig(n_seeds=3, training=base),
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
        CurvesConfig(n_seeds=10, training=base),
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
