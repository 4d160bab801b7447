"""The pictures and settings that the homework's trainings share, and how much is trained on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pitfalls.experiments.image_source import ImageSource, find_images
from pitfalls.frame import Homework
from pitfalls.images.data import DataConfig, judge_mirror
from pitfalls.images.training import TrainConfig

__all__ = [
    "PACED",
    "QuickWork",
    "homework_images",
    "homework_source",
    "homework_training",
    "quick_work",
]

PACED: tuple[tuple[Literal["fastnet", "resnet18"], int, int], ...] = (
    ("fastnet", 24, 250),
    ("resnet18", 12, 32),
)
"""What is timed: network, side in pixels, images a step."""

FAST_SECONDS, SCHEME_SECONDS = 55.0, 8.0
"""What the fast network and one scheme may take of the quick report's five minutes, if threads shared the
work without loss: with small images they take up to twice as long."""
PROGRAMS = ((16, 24), (20, 20, 24), (20, 20, 24, 28), (16, 16, 20, 24, 28, 32))
"""Sides in pixels, epoch by epoch, on all images: the least of them passes 75 % of CIFAR-10 (82.7 %, n = 1;
71.3 % after 16 and 20 pixels)."""
STEPS = (40, 400)
QUICK_TEST = 4_000
SMALL_SIDE = 12
"""Images have so many pixels a side: where there is time for 131 steps at 16 pixels there is time for 190
at 12, after which annealing was ahead by 5.6 points instead of 2.5 (CIFAR-10, n = 1)."""


@dataclass(frozen=True)
class QuickWork:
    """How much the quick report trains.

    Attributes
    ----------
    image_sizes : tuple of int
        The fast network's, epoch by epoch.
    fast_precision, precision : {"float32", "bfloat16"}
        Of the fast network and of the residual one.
    n_steps : int
        Of the residual network with each scheme, in batches of 32.
    """

    image_sizes: tuple[int, ...] = PROGRAMS[0]
    fast_precision: Literal["float32", "bfloat16"] = "float32"
    precision: Literal["float32", "bfloat16"] = "float32"
    n_steps: int = 100


def quick_work(asked: Homework) -> QuickWork:
    """Return the most that fits the quick report, by what was timed; a usual choice without a timing."""
    paces: Mapping[str, float] = dict(asked.paces)
    if not paces:
        return QuickWork()
    fast, fast_precision = _faster(paces, "fastnet")
    small, precision = _faster(paces, "resnet18")
    fitting = [sizes for sizes in PROGRAMS if _epochs(sizes) * 50_000 * fast <= FAST_SECONDS]
    n_steps = round(SCHEME_SECONDS / (small * 32))
    return QuickWork(
        fitting[-1] if fitting else PROGRAMS[0],
        fast_precision,
        precision,
        min(max(n_steps, STEPS[0]), STEPS[1]),
    )


def homework_images(asked: Homework) -> ImageSource:
    """Return all the pictures."""
    return find_images(DataConfig(asked.data, seed=asked.seed))


def homework_source(asked: Homework) -> ImageSource:
    """Return what the residual network trains on: where it must be quick, some images, small ones."""
    whole = homework_images(asked)
    if asked.scale == "full":
        return whole
    images = whole.load()
    side = min(images.shape[1:])
    return find_images(
        DataConfig(
            asked.data,
            subset_train=min(32 * quick_work(asked).n_steps, len(images.train_labels)),
            subset_val=min(QUICK_TEST, len(images.test_labels)),
            size=SMALL_SIDE if side > SMALL_SIDE else None,
            seed=asked.seed,
        )
    )


def homework_training(asked: Homework) -> TrainConfig:
    """Return the homework's settings: in smaller batches where it must be quick.

    At full size products are in bfloat16 where the device has units for it, else as a timing says.
    Whether images are mirrored is measured on all of them.
    """
    quick = asked.scale == "quick"
    keeps = judge_mirror(homework_images(asked).load()).keeps
    return TrainConfig(
        batch_size=32 if quick else 128,
        seed=asked.seed,
        precision=quick_work(asked).precision if quick else "auto",
        flip="random" if keeps else "none",
    )


def _epochs(sizes: tuple[int, ...]) -> float:
    """Return how many epochs at the timed size are as much arithmetic."""
    (_, side, _), _ = PACED
    return sum((size / side) ** 2 for size in sizes)


def _faster(
    paces: Mapping[str, float], network: str
) -> tuple[float, Literal["float32", "bfloat16"]]:
    precisions: tuple[Literal["float32", "bfloat16"], ...] = ("float32", "bfloat16")
    return min((paces[f"{network} {p}"], p) for p in precisions if f"{network} {p}" in paces)
