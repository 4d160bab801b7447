"""What can be said of a run before it is trained: what is refused, and what is bound to spoil it."""

from dataclasses import replace
from typing import Any

from pitfalls.errors import InputError
from pitfalls.images.data import ImageDataset, random_flips
from pitfalls.images.training.batches import batch_sizes
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.distributed import world
from pitfalls.images.training.hardware import has_fast_bfloat16
from pitfalls.images.training.schedules import Schedule, never_moves, schedule

__all__ = ["check_sizes", "settle", "training_warnings"]


def settle(config: TrainConfig, data: Any, device: str = "cpu") -> TrainConfig:
    """Put in place of each ``auto`` what it means for these pictures on this device.

    The border of the crops is written out as well; what is none of the transforms is 0 or none. A
    Dataset or DataLoader makes its own pictures: no crops and no flips of ours.

    Raises
    ------
    InputError
        If nothing says whether a mirrored picture keeps its class.
    """
    crops, flips = (
        isinstance(data, ImageDataset) and name in config.transforms for name in ("crop", "flip")
    )
    if not crops:
        config = replace(config, crop_padding=0)
    if not flips:
        config = replace(config, flip="none")
    elif config.flip == "auto":
        config = replace(config, flip="random" if random_flips(data) else "none")
    if config.precision == "auto":
        fast = has_fast_bfloat16(device)
        config = replace(config, precision="bfloat16" if fast else "float32")
    if config.crop_padding is None:
        config = replace(config, crop_padding=data.shape[1] // 8)
    return config


def check_sizes(config: TrainConfig, n: int) -> None:
    """Refuse batches of n images that batch normalisation or the processes cannot share."""
    processes = world().size
    if n == 0:
        raise InputError("train: the training set is empty.")
    n_batches, last = batch_sizes(n, config.batch_size)
    smallest = min(last, config.batch_size) if n_batches > 1 else last
    if smallest < max(2, processes):
        raise InputError(
            f"train: the smallest batch of {n} images in batches of {config.batch_size} has "
            f"{smallest}, too few for {processes} process{'es' if processes > 1 else ''}: batch "
            "normalisation needs two images, and each process one. Give more images, another batch "
            "size or fewer processes."
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
    told: list[str] = []
    if (n := len(config.image_sizes)) > config.epochs:
        told.append(
            f"image_sizes names {n} epochs and the run has {config.epochs}: the last "
            f"{n - config.epochs} are not used."
        )
    n_batches, _ = batch_sizes(len(data.train_labels), config.batch_size)
    chosen = rate or schedule(config.scheme, config.epochs, config.rate)
    if never_moves(chosen, config.epochs, n_batches):
        steps = config.epochs * n_batches
        told.append(
            f"The learning rate is 0 at every one of the run's {steps} step{'s' * (steps > 1)} "
            f"({'the given schedule' if rate else f'scheme {config.scheme}'}): the weights will not "
            "change. Take more epochs, smaller batches or another scheme."
        )
    return tuple(told)
