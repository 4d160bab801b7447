"""What can be said of a run before it is trained: what is refused, and what is bound to spoil it."""

import math

from pitfalls.errors import InputError
from pitfalls.images.data import ImageDataset
from pitfalls.images.training.batches import batch_sizes
from pitfalls.images.training.distributed import world
from pitfalls.images.training.padding import PADDING_MODES
from pitfalls.images.training.records import TrainConfig
from pitfalls.images.training.schedules import Schedule, never_moves, schedule

__all__ = ["check_config", "check_sizes", "training_warnings"]


def check_config(config: TrainConfig) -> None:
    """Refuse settings that no run can use."""
    for name in ("epochs", "batch_size", "micro_batches", "checkpoint_every"):
        if getattr(config, name) < 1:
            raise InputError(
                f"train: {name} must be at least 1. Got {getattr(config, name)} instead."
            )
    for name, choices in (
        ("loss", ("mean", "sum")),
        ("precision", ("float32", "bfloat16")),
        ("flip", ("random", "alternating", "none")),
        ("padding_mode", PADDING_MODES),
    ):
        if getattr(config, name) not in choices:
            raise InputError(
                f"train: {name} must be {' or '.join(choices)}. Got {getattr(config, name)!r} "
                "instead."
            )
    if config.crop_padding is not None and config.crop_padding < 0:
        raise InputError(
            f"train: crop_padding must not be negative. Got {config.crop_padding} instead."
        )
    for name, value in (
        ("label_smoothing", config.label_smoothing),
        ("averaging", config.averaging),
    ):
        if value is not None and not 0 <= value < 1:
            raise InputError(f"train: {name} must be in [0, 1). Got {value} instead.")
    if not 0 <= config.momentum < 1:
        raise InputError(f"train: momentum must be in [0, 1). Got {config.momentum} instead.")
    if config.nesterov and config.momentum == 0:
        raise InputError("train: Nesterov's momentum must be positive. Got 0; leave nesterov out.")
    if not 0 <= config.weight_decay < math.inf:
        raise InputError(
            "train: weight_decay must be finite and not negative. Got "
            f"{config.weight_decay} instead."
        )
    if any(size < 1 for size in config.image_sizes):
        raise InputError(f"train: image_sizes must be positive. Got {config.image_sizes} instead.")


def check_sizes(config: TrainConfig, data: ImageDataset) -> None:
    """Refuse batches that batch normalisation cannot take."""
    n, processes = len(data.train_labels), world().size
    if n == 0:
        raise InputError("train: the training set is empty.")
    n_batches, last = batch_sizes(n, config.batch_size)
    smallest = min(last, config.batch_size) if n_batches > 1 else last
    if smallest < 2 * processes:
        raise InputError(
            f"train: the smallest batch of {n} images in batches of {config.batch_size} has "
            f"{smallest}, too few for {processes} process{'es' if processes > 1 else ''}: batch "
            "normalisation needs two images in each. Give more images, another batch size or "
            "fewer processes."
        )


def training_warnings(
    config: TrainConfig, data: ImageDataset, rate: Schedule | None = None
) -> tuple[str, ...]:
    """Say, before a run, what is bound to spoil it.

    Parameters
    ----------
    config, data, rate
        As of `train`.

    Returns
    -------
    tuple of str
        One sentence each; empty where there is nothing to say.
    """
    n_batches, _ = batch_sizes(len(data.train_labels), config.batch_size)
    chosen = rate or schedule(config.scheme, config.epochs, config.rate)
    if not never_moves(chosen, config.epochs, n_batches):
        return ()
    steps = config.epochs * n_batches
    return (
        f"The learning rate is 0 at every one of the run's {steps} step{'s' * (steps > 1)} "
        f"({'the given schedule' if rate else f'scheme {config.scheme}'}): the weights will not "
        "change. Take more epochs, smaller batches or another scheme.",
    )
