"""Train one network and test it."""

from dataclasses import replace

from pitfalls.experiments.image_compare import EXPERIMENT as COMPARISON
from pitfalls.experiments.image_compare import CompareResult
from pitfalls.experiments.image_homework import homework_source, homework_training
from pitfalls.experiments.image_source import describe_pictures
from pitfalls.experiments.image_train.records import TrainRunConfig, TrainRunResult
from pitfalls.experiments.image_trainer import Plan, train_all
from pitfalls.frame import Homework
from pitfalls.images.training import TrainConfig, call_to_work, special_schedule
from pitfalls.progress import Progress, silent
from pitfalls.runs import Run, RunStore, config_hash

__all__ = ["follow", "further", "homework", "run"]

ANNEALED = 0.99
"""The factor of 4e's annealed scheme."""
SEVERAL = 3
"""Epochs from which one cycle is trained beside the scheme that was best in one."""


def run(config: TrainRunConfig, run: Run, progress: Progress) -> TrainRunResult:
    """Train from the last checkpoint on."""
    call_to_work()
    if config.compared:
        best = RunStore(run.path.parents[1]).find(config.compared).load(CompareResult).best.scheme
        config = replace(config, training=further(config.training, best))
    found = train_all(_plan(config), run, progress)
    trained, *beside = found.finished
    return TrainRunResult(
        pictures=describe_pictures(found.data),
        network=config.network,
        training=found.config,
        trained=trained,
        special_end=_special_end(trained.n_epochs, trained.n_steps // trained.n_epochs),
        clock=found.clocks[0],
        from_best=bool(config.compared),
        cycle=beside[0] if beside else None,
        cycle_clock=found.clocks[1] if beside else None,
    )


def follow(config: TrainRunConfig) -> None:
    """Do a further process' part of `run`: compute, and write nothing."""
    train_all(_plan(config), None, silent)


def further(training: TrainConfig, best: str) -> TrainConfig:
    """Return a training by the scheme that was best in one epoch, stretched over this one's epochs.

    The special scheme stretches by itself and a constant rate needs no stretching. Annealed at the
    same factor for more epochs, the rate would be spent in the first: with factor q from rate r all
    rates together come to r q/(1 - q), however many steps there are. So it falls as far as in one
    epoch, over all of them.
    """
    rate = ANNEALED ** (1 / training.epochs) if best == "annealed" else None
    return replace(training, scheme=best, rate=rate)


def homework(asked: Homework) -> tuple[TrainRunConfig, ...]:
    """Train on with the best scheme of 4e: two epochs, or ten at full size, with weight decay.

    The weight decay is that usual for residual networks on these images; the comparison, as the
    homework has it, goes without. What is best in one epoch need not be in several (fifteen of the
    annealed scheme end below the 90 % that the sheet names), so one cycle is trained beside it.
    """
    (compare,) = COMPARISON.homework(asked)
    training = replace(
        homework_training(asked),
        epochs=2 if asked.scale == "quick" else 10,
        weight_decay=5e-4,
    )
    # written out, because the comparison may not have been run yet
    compared = f"{COMPARISON.name}/run-{config_hash(compare)}"
    return (
        TrainRunConfig(
            homework_source(asked), training=training, compared=compared, device=asked.device
        ),
    )


def _plan(config: TrainRunConfig) -> Plan:
    trainings = [config.training]
    several = config.compared and config.training.epochs >= SEVERAL
    if several and config.training.scheme != "one_cycle":
        trainings.append(further(config.training, "one_cycle"))
    return Plan(
        config.network, tuple(trainings), config.source, config.device,
        start=config.start, track=config.track, own_code=config.own_code, code=config.code,
    )  # fmt: skip


def _special_end(epochs: int, n_batches: int) -> float:
    last = special_schedule(epochs, peak=0.1)(0.0, epochs - 1, n_batches - 1, n_batches)
    return last / 0.1
