"""The pictures and settings that the homework's trainings share."""

from pitfalls.experiments.image_source import ImageSource, find_images
from pitfalls.frame import Homework
from pitfalls.images.data import DataConfig, judge_mirror
from pitfalls.images.training.config import TrainConfig

__all__ = ["homework_source", "homework_training"]

QUICK_TRAIN, QUICK_TEST = 800, 512


def homework_source(asked: Homework) -> ImageSource:
    """Return 800 training and 512 test images where it must be quick, else all."""
    whole = find_images(DataConfig(asked.data, seed=asked.seed))
    if asked.scale == "full":
        return whole
    images = whole.load()
    return find_images(
        DataConfig(
            asked.data,
            subset_train=min(QUICK_TRAIN, len(images.train_labels)),
            subset_val=min(QUICK_TEST, len(images.test_labels)),
            seed=asked.seed,
        )
    )


def homework_training(asked: Homework) -> TrainConfig:
    """Return the homework's settings: in smaller batches where it must be quick.

    At full size products are in bfloat16 where the device has units for it. Whether images are
    mirrored is measured on all of them.
    """
    quick = asked.scale == "quick"
    keeps = judge_mirror(find_images(DataConfig(asked.data, seed=asked.seed)).load()).keeps
    return TrainConfig(
        batch_size=64 if quick else 128,
        seed=asked.seed,
        precision="float32" if quick else "auto",
        flip="random" if keeps else "none",
    )
