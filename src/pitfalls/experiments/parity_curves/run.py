"""Train every case from several seeds and keep each loss curve."""

from dataclasses import replace

from pitfalls.experiments.parity_curves.records import (
    CurveCase,
    CurvesConfig,
    CurvesResult,
    Replica,
)
from pitfalls.frame import Homework
from pitfalls.parity import LearningConfig, LearningResult, ParityTask, train_ensemble
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["homework", "replica_of", "run"]


def run(config: CurvesConfig, run: Run, progress: Progress) -> CurvesResult:
    """Train what is not there yet; a finished replica is kept."""
    tasks, trainings = [], []
    for d, weight in config.cases:
        for i in range(config.n_seeds):
            seed = config.training.seed + i
            tasks.append(ParityTask.random(d, seed, weight))
            trainings.append(replace(config.training, seed=seed))
    left = [i for i in range(len(tasks)) if not run.has(Replica, part=_part(i))]

    def keep(at: int, result: LearningResult) -> None:
        run.save(replica_of(result), part=_part(left[at]))

    with progress("training", unit="iterations") as advance:
        train_ensemble(
            [tasks[i] for i in left],
            [trainings[i] for i in left],
            device=config.device,
            n_threads=config.parallel,
            on_result=keep,
            on_progress=advance,
        )
    replicas = [run.load(Replica, part=_part(i)) for i in range(len(tasks))]
    for replica in replicas:
        _log(replica, config, run)
    cases = tuple(
        CurveCase(
            d, weight is not None, tuple(replicas[c * config.n_seeds : (c + 1) * config.n_seeds])
        )
        for c, (d, weight) in enumerate(config.cases)
    )
    training = config.training
    return CurvesResult(
        cases,
        n_iterations=training.n_iterations,
        batches_a_record=training.record_every,
        learning_rate=training.learning_rate,
        loss=training.loss,
        fresh=training.n_samples is None,
    )


def homework(asked: Homework) -> tuple[CurvesConfig, ...]:
    """Train part (b) with its own 5e4 iterations at either scale."""
    n_seeds = 3 if asked.scale == "quick" else 10
    return (CurvesConfig(n_seeds=n_seeds, training=LearningConfig(seed=asked.seed)),)


def _part(i: int) -> str:
    return f"{i:03d}"


def replica_of(result: LearningResult) -> Replica:
    """Keep what a training found, without the network."""
    last, curve = result.evaluation, result.curve
    return Replica(
        n_features=result.task.n_features,
        weight=result.task.weight,
        seed=result.config.seed,
        step=curve.step,
        batch_loss=curve.batch_loss,
        loss=curve.loss,
        train_accuracy=curve.train_accuracy,
        accuracy=curve.test_accuracy,
        risk=last.risk,
        risk_error=last.risk_error,
        test_accuracy=last.accuracy,
        accuracy_error=last.accuracy_error,
        n_inputs=last.n_inputs,
        exact=last.exact,
        diverged=result.diverged,
    )


def _log(replica: Replica, config: CurvesConfig, run: Run) -> None:
    if replica.diverged:
        run.warn(
            f"d = {replica.n_features}, seed {replica.seed}: training diverged at iteration "
            f"{replica.step[-1] if replica.step.size else 0}"
        )
    run.log(
        step=config.training.n_iterations,
        n_features=replica.n_features,
        weight=replica.weight,
        seed=replica.seed,
        risk=replica.risk,
        accuracy=replica.test_accuracy,
    )
