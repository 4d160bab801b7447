"""Train the fast recipe once a seed; test plainly and over six views."""

from dataclasses import replace

import torch

from pitfalls.experiments.image_fast.records import FastConfig, FastResult
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_source import describe_pictures
from pitfalls.experiments.image_trainer import Plan, train_all
from pitfalls.images.data import ImageDataset, judge_mirror
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.fast_recipes import FAST_RECIPES
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["run"]


def run(config: FastConfig, run: Run, progress: Progress) -> FastResult:
    """Train what is not there yet, and go on in the middle of a begun training."""
    network = NetworkConfig("fastnet", FAST_RECIPES[config.target].widths)
    training = _recipe(config, config.source.load())
    plan = Plan(
        network,
        tuple(replace(training, seed=config.seed + k) for k in range(config.n_seeds)),
        config.source,
        config.device,
        six_views=True,
    )
    found = train_all(plan, run, progress)
    return FastResult(
        pictures=describe_pictures(found.data),
        target=config.target,
        network=network,
        training=found.config,
        trainings=found.finished,
        clocks=found.clocks,
        threads=torch.get_num_threads(),
    )


def _recipe(config: FastConfig, data: ImageDataset) -> TrainConfig:
    """Fit a recipe to a data set."""
    side, n = data.shape[1], len(data.train_labels)
    training = replace(FAST_RECIPES[config.target].training(side, n), precision=config.precision)
    if not judge_mirror(data).keeps:
        training = replace(training, flip="none")  # a mirrored digit is another sign
    return training
