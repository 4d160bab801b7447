"""Train each scheme from the same starts."""

from dataclasses import replace

from pitfalls.errors import DivergenceError, InputError
from pitfalls.experiments.image_compare.records import CompareConfig, CompareResult
from pitfalls.experiments.image_homework import homework_source, homework_training
from pitfalls.experiments.image_source import describe_pictures
from pitfalls.experiments.image_trainer import Plan, train_all
from pitfalls.frame import Homework
from pitfalls.images.data import judge_mirror
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["homework", "run"]


def run(config: CompareConfig, run: Run, progress: Progress) -> CompareResult:
    """Train what is not there yet, and go on in the middle of a begun training."""
    if config.networks:
        raise InputError(
            "images-compare: networks are compared by images-architectures. Ask that for them."
        )
    first = config.training.seed
    seeds = tuple(range(first, first + config.n_seeds))
    plan = Plan(
        config.network,
        # the seed decides start, order and augmentation: all schemes of a seed share them
        tuple(
            replace(config.training, scheme=scheme, seed=seed)
            for seed in seeds
            for scheme in config.compared
        ),
        config.source,
        config.device,
        go_on=True,
        workers=config.workers,
        track=config.track,
        own_code=config.own_code,
        code=config.code,
    )
    found = train_all(plan, run, progress)
    for lost in found.diverged:
        run.warn(f"scheme {lost.scheme}, seed {lost.seed}: {lost.why}")
    if not found.finished:
        raise DivergenceError(f"compare: every scheme diverged. {found.diverged[0].why}")
    return CompareResult(
        pictures=describe_pictures(found.data),
        network=config.network,
        training=found.config,
        schemes=config.compared,
        seeds=seeds,
        trainings=found.finished,
        diverged=found.diverged,
        mirror=judge_mirror(found.data).why if config.training.asks_about_mirrors else "",
    )


def homework(asked: Homework) -> tuple[CompareConfig, ...]:
    """Compare the homework's three schemes for one epoch."""
    return (
        CompareConfig(
            homework_source(asked), training=homework_training(asked), device=asked.device
        ),
    )
