"""Train the fast recipe once a seed; test plainly and, the whole recipe, over six views."""

from dataclasses import replace

import torch

from pitfalls.experiments.image_fast.records import FastConfig, FastResult, is_whole
from pitfalls.experiments.image_homework import homework_images, quick_work
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_source import describe_pictures
from pitfalls.experiments.image_trainer import Plan, train_all
from pitfalls.frame import Homework
from pitfalls.images.data import ImageDataset, judge_mirror
from pitfalls.images.training import FAST_RECIPES, TrainConfig
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["homework", "run"]

WORTH_COMPILING = 250_000
"""Images a training sees: with fewer, compiling minimal filtering may take longer than it saves."""


def run(config: FastConfig, run: Run, progress: Progress) -> FastResult:
    """Train what is not there yet, and go on in the middle of a begun training."""
    recipe = FAST_RECIPES[config.target, config.views]
    data = config.source.load()
    training = _recipe(config, data)
    network = NetworkConfig(
        "fastnet",
        recipe.widths,
        bias_epochs=recipe.bias_epochs,
        winograd=training.epochs * len(data.train_labels) >= WORTH_COMPILING,
    )
    whole = is_whole(config.target, config.views, training.image_sizes, data.shape[1])
    plan = Plan(
        network,
        tuple(replace(training, seed=config.seed + k) for k in range(config.n_seeds)),
        config.source,
        config.device,
        six_views=whole,  # they take as long as the testing of six networks
    )
    found = train_all(plan, run, progress)
    return FastResult(
        pictures=describe_pictures(found.data),
        target=config.target,
        network=network,
        training=found.config,
        trainings=found.finished,
        clocks=found.clocks,
        threads=run.manifest.threads or torch.get_num_threads(),
        views=config.views,
    )


def homework(asked: Homework) -> tuple[FastConfig, ...]:
    """Train on all images: as many epochs as the quick report has time for, else by the recipe."""
    whole = homework_images(asked)
    if asked.scale == "full":
        return (FastConfig(whole, seed=asked.seed, device=asked.device),)
    work = quick_work(asked)
    return (
        FastConfig(
            whole,
            image_sizes=work.image_sizes,
            precision=work.fast_precision,
            seed=asked.seed,
            device=asked.device,
        ),
    )


def _recipe(config: FastConfig, data: ImageDataset) -> TrainConfig:
    """Fit a recipe to a data set."""
    side, n = data.shape[1], len(data.train_labels)
    recipe = FAST_RECIPES[config.target, config.views]
    if config.image_sizes:
        recipe = replace(recipe, image_sizes=config.image_sizes)
    training = replace(recipe.training(side, n), precision=config.precision)
    if not judge_mirror(data).keeps:
        training = replace(training, flip="none")  # a mirrored digit is another sign
    return training
