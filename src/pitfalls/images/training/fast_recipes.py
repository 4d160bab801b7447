"""The fast network's recipes, tuned on a split of CIFAR-10's training set."""

from dataclasses import dataclass
from typing import Literal

from pitfalls.images.training.config import TrainConfig

__all__ = ["FAST_RECIPES", "FastRecipe"]

DECAY_AN_IMAGE = 2e-6
CIFAR10_SIDE = 32
CIFAR10_STEPS = 50  # an epoch, at the recipes' batch of 1,000
SMALLEST_BATCH = 32


@dataclass(frozen=True)
class FastRecipe:
    """A network's widths and how to train it on CIFAR-10.

    Attributes
    ----------
    target : int
        Percent of CIFAR-10's test images to get right.
    widths : (int, int, int)
        Channels of `FastNet`'s groups.
    image_sizes : tuple of int
        Side in pixels, epoch by epoch.
    crop_padding : int
        Pixels around the image that crops are taken from.
    batch_size : int
        Images a step.
    bias_epochs : int, optional
        Epochs in which the first layer's bias learns (default: all).
    views : {"plain", "six"}
        How often an image is looked at where its answer counts: plainly, or six times as the field's
        records do.
    """

    target: int
    widths: tuple[int, int, int]
    image_sizes: tuple[int, ...]
    crop_padding: int = 2
    batch_size: int = 1000
    bias_epochs: int | None = None
    views: Literal["plain", "six"] = "plain"

    def training(self, side: int = CIFAR10_SIDE, n_images: int = 50_000) -> TrainConfig:
        """Return the trainer's settings for a data set.

        Other data keep what the recipe is about: image sizes in proportion, about as many steps an
        epoch, and steps as noisy.

        Parameters
        ----------
        side : int, default=32
            Height of the images.
        n_images : int, default=50,000
            Training images.
        """
        batch = min(self.batch_size, max(n_images // CIFAR10_STEPS, SMALLEST_BATCH))
        # The loss is a sum, so a smaller batch has a smaller gradient. Its whole ratio would keep the
        # mean step, and multiply the noise of the small batch by as much; the root keeps the noise.
        gain = (self.batch_size / batch) ** 0.5
        return TrainConfig(
            epochs=len(self.image_sizes),
            batch_size=batch,
            scheme="linear",
            rate=1.0,
            optimizer="muon",
            momentum=0.85,
            nesterov=True,
            weight_decay=DECAY_AN_IMAGE * batch,
            bias_rate=0.053 * gain,
            other_rate=0.67 * gain,
            label_smoothing=0.2,
            reduction="sum",
            crop_padding=round(self.crop_padding * side / CIFAR10_SIDE),
            padding_mode="reflect",
            flip="alternating",
            image_sizes=tuple(max(round(s * side / CIFAR10_SIDE), 1) for s in self.image_sizes),
        )


FAST_RECIPES = {
    (recipe.target, recipe.views): recipe
    for recipe in (
        FastRecipe(90, (64, 128, 128), (16, 16, 20, 24, 28, 32), bias_epochs=2),
        FastRecipe(94, (128, 384, 384), (24,) * 4 + (28,) * 5 + (32,) * 6, crop_padding=4),
        FastRecipe(94, (64, 256, 256), (24, 28) + (32,) * 6, views="six"),
    )
}
"""By target and views; what they reach, in how many seconds on what machine: ``docs/guides/training.md``."""
