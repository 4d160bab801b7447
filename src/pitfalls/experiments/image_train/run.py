"""Train one network and test it."""

from dataclasses import replace

from pitfalls.experiments.image_homework import homework_source, homework_training
from pitfalls.experiments.image_source import describe_pictures
from pitfalls.experiments.image_train.records import TrainRunConfig, TrainRunResult
from pitfalls.experiments.image_trainer import Plan, train_all
from pitfalls.frame import Homework
from pitfalls.images.training.distributed import call_to_work
from pitfalls.images.training.schedules import special_schedule
from pitfalls.progress import Progress, silent
from pitfalls.runs import Run

__all__ = ["follow", "homework", "run"]


def run(config: TrainRunConfig, run: Run, progress: Progress) -> TrainRunResult:
    """Train from the last checkpoint on."""
    call_to_work()
    found = train_all(_plan(config), run, progress)
    (trained,) = found.finished
    return TrainRunResult(
        pictures=describe_pictures(found.data),
        network=config.network,
        training=found.config,
        trained=trained,
        special_end=_special_end(trained.n_epochs, trained.n_steps // trained.n_epochs),
        clock=found.clocks[0],
    )


def follow(config: TrainRunConfig) -> None:
    """Do a further process' part of `run`: compute, and write nothing."""
    train_all(_plan(config), None, silent)


def homework(asked: Homework) -> tuple[TrainRunConfig, ...]:
    """Train on by one cycle, with weight decay: three epochs, or ten at full size.

    The special scheme of so few epochs would end far above zero. The weight decay is that usual for
    residual networks on these images.
    """
    quick = asked.scale == "quick"
    training = replace(
        homework_training(asked),
        scheme="one_cycle",
        epochs=3 if quick else 10,
        rate=0.05 if quick else 0.1,  # half the batch, half the rate
        weight_decay=5e-4,
    )
    return (TrainRunConfig(homework_source(asked), training=training, device=asked.device),)


def _plan(config: TrainRunConfig) -> Plan:
    return Plan(config.network, (config.training,), config.source, config.device)


def _special_end(epochs: int, n_batches: int) -> float:
    last = special_schedule(epochs, peak=0.1)(0.0, epochs - 1, n_batches - 1, n_batches)
    return last / 0.1
