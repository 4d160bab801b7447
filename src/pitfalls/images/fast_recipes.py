"""The fast network's two recipes, as tuned on a split of the training set."""

from dataclasses import dataclass

from pitfalls.images.train_records import TrainConfig

__all__ = ["FAST_RECIPES", "FastRecipe"]


@dataclass(frozen=True)
class FastRecipe:
    """A network's widths and how to train it.

    Attributes
    ----------
    target : int
        Percent of CIFAR-10's test images that plain evaluation should get right.
    widths : (int, int, int)
        Channels of `FastNet`'s groups.
    training : TrainConfig
    """

    target: int
    widths: tuple[int, int, int]
    training: TrainConfig


def _recipe(
    target: int, widths: tuple[int, int, int], image_sizes: tuple[int, ...], batch_size: int
) -> FastRecipe:
    return FastRecipe(
        target,
        widths,
        TrainConfig(
            epochs=len(image_sizes),
            batch_size=batch_size,
            scheme="linear",
            rate=1.0,
            optimizer="muon",
            momentum=0.85,
            nesterov=True,
            weight_decay=2e-6 * batch_size,
            label_smoothing=0.2,
            loss="sum",
            crop_padding=2,
            padding_mode="reflect",
            flip="alternating",
            image_sizes=image_sizes,
        ),
    )


FAST_RECIPES = {
    90: _recipe(90, (64, 128, 128), (20, 20, 24, 24, 28, 32), batch_size=1000),
    94: _recipe(94, (64, 256, 256), (24, 24, 24, 28, 28, 28, 32, 32, 32, 32), batch_size=1000),
}
"""By target: seconds, machine, mean accuracy and n are in ``docs/guides/training.md``."""
